"""Measures tokens a second against what RSA 4096 itself allows on the same CPUs, and servers against each other.

    python -m pip install -e '.[bench]'
    python benchmarks/tokens.py [REPEATS]

A row is the median of runs between which `openssl speed`, and the library that signs for ctl, sign on as many
CPUs and do nothing else: a machine whose speed drifts, or that has other things to do, favours nobody. The library
brings an OpenSSL of its own, so that tokens may come faster than the system's OpenSSL signs; the library's own
speed is the limit.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.root import free_ports
from ctl.auth.accounts import Accounts, Grant, User
from ctl.auth.accounts_file import render_accounts
from ctl.auth.config import Config
from ctl.auth.passwords import hash_password
from ctl.registry.token import SigningKey

CPUS = len(os.sched_getaffinity(0))
TOKENS, CLIENTS = 800, 16
PASSWORD = "password-of-the-benchmark"  # noqa: S105 - of nothing else
AIM = 200
"""Tokens a second, at least."""
CHECKOUT = Path(__file__).resolve().parents[1]


def main(repeats: int) -> None:
    """Print the table."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-bench-tokens-"))
    try:
        command = ["openssl", "genrsa", "-out", str(folder / "key.pem"), "4096"]
        subprocess.run(command, check=True, capture_output=True)
        print(f"{CPUS} CPUs; RSA 4096; {CLIENTS} clients")
        print(f"{'':<34} {'tokens/s':>9} {'of openssl speed':>18} {'of the library':>18}")
        for name, argv, environment in candidates(folder):
            row(name, argv, environment, repeats, folder / "key.pem")
    finally:
        shutil.rmtree(folder)


def candidates(folder: Path) -> Iterator[tuple[str, list[str], Mapping[str, str]]]:
    """What is measured: name, command line with PORT in it, environment."""
    python = [sys.executable, "-P", "-m"]
    key = {"BENCH_KEY": str(folder / "key.pem")}
    yield "ctl.auth, password known", [*python, "ctl.auth", str(folder / "PORT.json")], {}
    app = "benchmarks.signing_app"
    uvicorn = ["uvicorn", f"{app}:asgi", "--port", "PORT", "--log-level", "error", "--http"]
    yield "signing only: uvicorn, httptools", [*python, *uvicorn, "httptools"], key
    yield "signing only: uvicorn, h11", [*python, *uvicorn, "h11"], key
    waitress = ["waitress", "--listen=127.0.0.1:PORT", f"--threads={CLIENTS}", f"{app}:wsgi"]
    yield "signing only: waitress", [*python, *waitress], key | {"BENCH_SERVER": "waitress"}
    granian = ["granian", "--interface", "asgi", "--port", "PORT", "--no-access-log", f"{app}:asgi"]
    yield "signing only: granian", [*python, *granian], key


def row(name: str, argv: Sequence[str], environment: Mapping[str, str], repeats: int, key: Path) -> None:
    """Measure one and print it."""
    if importlib.util.find_spec(argv[3].partition(".")[0]) is None:
        print(f"{name:<34} not installed")
        return
    rates, of_openssl, of_library = [], [], []
    with running(argv, environment) as port:
        asyncio.run(load(port, TOKENS // 4))
        for _ in range(repeats):
            rates.append(asyncio.run(load(port, TOKENS)))
            of_openssl.append(rates[-1] / openssl())
            of_library.append(rates[-1] / library(key))
    rate = median(rates)
    verdict = f"  aim {AIM}/s" + ("" if rate >= AIM else " (missed)") if name.startswith("ctl") else ""
    print(f"{name:<34} {rate:9.0f} {spread(of_openssl):>18} {spread(of_library):>18}{verdict}", flush=True)


def spread(ratios: Sequence[float]) -> str:
    """The median, the least and the greatest."""
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def library(key: Path) -> float:
    """Signatures a second by the library that signs for ctl, of as many processes as there are CPUs."""
    with ProcessPoolExecutor(CPUS) as pool:
        return sum(pool.map(sign_for_two_seconds, [key.read_text()] * CPUS))


def sign_for_two_seconds(pem: str) -> float:
    """Signatures a second of one process."""
    key, count, began = SigningKey(pem), 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < 2:
        key.sign({"count": count})
        count += 1
    return count / passed


def openssl() -> float:
    """Signatures a second, of as many processes as there are CPUs."""
    command = ["openssl", "speed", "-seconds", "2", "-multi", str(CPUS), "rsa4096"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"rsa\s+4096 bits\s+\S+\s+\S+\s+([\d.]+)", done.stdout)
    if found is None:
        raise SystemExit(f"openssl speed says something unknown:\n{done.stdout}")
    return float(found[1])


@contextmanager
def running(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    """A server, until the end of the block; its port."""
    (port,) = free_ports(1)
    words = [word.replace("PORT", str(port)) for word in argv]
    if words[-1].endswith(".json"):
        configure(Path(words[-1]), port)
    surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), **environment}
    silent = subprocess.DEVNULL
    process = subprocess.Popen(words, env=surroundings, stdout=silent, stderr=silent, cwd="/")
    try:
        asyncio.run(answering(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def configure(path: Path, port: int) -> None:
    """The configuration of the issuer itself, beside the key."""
    accounts = path.with_name("accounts.json")
    user = User("bench", hash_password(PASSWORD), grants=(Grant("team/**", ("pull", "push")),))
    accounts.write_bytes(render_accounts(Accounts({"bench": user})))
    config = Config(
        listen=f"127.0.0.1:{port}",
        realm="https://registry.example.com",
        service="container_registry",
        issuer="bench",
        key_file=str(path.with_name("key.pem")),
        accounts_file=str(accounts),
        lifetime=300,
        failed_per_account=10,
        failed_per_address=30,
        failed_period=300,
    )
    path.write_text(replace(config, signers=CPUS).render())


async def answering(port: int) -> None:
    """Return once a token comes."""
    for _ in range(200):
        try:
            await load(port, 1)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return
    raise SystemExit("the server does not answer")


async def load(port: int, count: int) -> float:
    """Fetch so many tokens by several clients at once. Returns tokens a second."""
    left = iter(range(count))
    began = time.perf_counter()
    await asyncio.gather(*(client(port, left) for _ in range(min(CLIENTS, count))))
    return count / (time.perf_counter() - began)


async def client(port: int, left: Iterator[int]) -> None:
    """One client, on one connection."""
    credentials = base64.b64encode(f"bench:{PASSWORD}".encode()).decode()
    query = "service=container_registry&account=bench&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"
    request = (
        f"GET /jwt/auth?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n\r\n".encode()
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in left:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise SystemExit(f"no token: {head!r}")
        await reader.readexactly(int(length[1]))
    writer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
