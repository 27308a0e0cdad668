"""Fuzzes one target, guided by what of the code its inputs reach.

    python -m tests.fuzz.run TARGET [-max_total_time=300] [further options of libFuzzer]
    python -m tests.fuzz.run TARGET --fresh …       begin with the seeds alone, and keep nothing
    python -m tests.fuzz.run TARGET FILE...         run these inputs only

TARGET is a folder of `corpus`, or "all": then the first byte of an input chooses the target. New inputs that reach
more are kept in the folder `.cache/fuzz/TARGET`; one that breaks a property is left as the file `crash-…` in the
present folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
ALL = "all"
MEASURED = 10
"""How many times the calls there may be while coverage is measured; an input above it is run without that."""
LARGEST = 4_096
"""Bytes of an input."""

Target = Callable[[bytes], None]


def main(arguments: list[str]) -> int:
    """Fuzz in a process of its own, which leaves nothing behind; or run files."""
    name, *rest = arguments
    files = [Path(one) for one in rest if not one.startswith("-")]
    with tempfile.TemporaryDirectory(prefix="ctl-fuzz-") as folder:
        tempfile.tempdir = folder
        if files:
            for file in files:
                alone(name, file.read_bytes())
            return 0
        code = "import sys; from tests.fuzz.run import fuzz; fuzz(*sys.argv[1:])"
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": str(CHECKOUT)}
        return subprocess.run(
            [sys.executable, "-c", code, name, *rest], env=environment, check=False
        ).returncode


def fuzz(name: str, *options: str) -> None:
    """Fuzz. Ends the process."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=["ctl"]):
        from tests.fuzz import properties
        from tests.fuzz.targets import DICTIONARY, TARGETS
    properties.CALLS *= MEASURED
    kept = [] if "--fresh" in options else [kept_folder(name)]
    folder = Path(tempfile.gettempdir())
    words = folder / "words"
    words.write_text("".join(f'"{word}"\n' for word in DICTIONARY))
    own = [f"-dict={words}", f"-max_len={LARGEST}", "-rss_limit_mb=0", "-timeout=20"]
    given = [one for one in options if one != "--fresh"]
    seeds = seed_folder(folder, list(TARGETS), name)
    atheris.Setup([sys.argv[0], *own, *given, *kept, str(seeds)], guarded(name, chosen(TARGETS, name)))
    atheris.Fuzz()


def chosen(targets: Mapping[str, Target], name: str) -> Target:
    """The target of that name; all of them behind one that looks at the first byte."""
    if name != ALL:
        return targets[name]
    every = list(targets.values())

    def run(data: bytes) -> None:
        if data:
            every[data[0] % len(every)](data[1:])

    return run


def guarded(name: str, target: Target) -> Target:
    """The target within its bounds. What seems to take much is run again in a process of its own."""
    from tests.fuzz.properties import Broken, bounded

    def run(data: bytes) -> None:
        try:
            with bounded():
                target(data)
        except Broken as broken:
            if "it took" not in str(broken) or alone_fails(name, data):
                raise

    return run


def alone(name: str, data: bytes) -> None:
    """Run one input within its bounds, without measuring coverage."""
    from tests.fuzz.properties import bounded
    from tests.fuzz.targets import TARGETS

    target = chosen(TARGETS, name)
    target(b"")
    with bounded():
        target(data)


def alone_fails(name: str, data: bytes) -> bool:
    """Whether an input breaks its bounds in a process of its own, at full speed."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        argv = [sys.executable, "-m", "tests.fuzz.run", name, file.name]
        return subprocess.run(argv, cwd=CHECKOUT, check=False).returncode != 0


def kept_folder(name: str) -> str:
    """Where inputs are kept from run to run."""
    kept = CHECKOUT / ".cache/fuzz" / name
    kept.mkdir(parents=True, exist_ok=True)
    return str(kept)


def seed_folder(parent: Path, names: list[str], name: str) -> Path:
    """The inputs to begin with: those of the corpus, and the project's own examples in that language."""
    folder = parent / "seeds"
    folder.mkdir()
    if name == ALL:
        seeds = [bytes([index]) + seed for index, one in enumerate(names) for seed in seeds_of(one)]
    else:
        seeds = list(seeds_of(name))
    for number, seed in enumerate(seeds):
        (folder / f"{number:03}").write_bytes(seed)
    return folder


def seeds_of(name: str) -> Iterator[bytes]:
    """The seeds of one target."""
    for file in sorted([*(CORPUS / name).iterdir(), *examples(name)]):
        yield file.read_bytes()


def examples(name: str) -> Iterable[Path]:
    """Files of the project that are inputs of a target as they are."""
    if name in ("python", "check-config"):
        return (CHECKOUT / "examples").glob("*.py")
    if name in ("ruby", "convert-gitlab-rb"):
        return (CHECKOUT / "tests/language/ruby/guide_snippets").glob("*.rb")
    return ()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
