"""A private root for measuring, on free loopback ports."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CTL = (sys.executable, "-m", "ctl")


class Root:
    """A private root; use it as a context, so that its services end.

    Args:
        endpoints: number of notification endpoints in its settings.
    """

    def __init__(self, endpoints: int = 0) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ctl-bench-"))
        self.path.chmod(0o755)
        self._ports = free_ports(3)
        self._endpoints = endpoints
        self.prepare()

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        shutil.rmtree(self.path)

    @property
    def ctl(self) -> list[str]:
        """The command line that works on this root."""
        return [*CTL, "--root", str(self.path), "--quiet"]

    def prepare(self) -> None:
        """Write the settings file."""
        registry, vhost, status = self._ports
        lines = [
            f'registry_external_url("https://localhost:{vhost}")',
            f'registry["registry_http_addr"] = "127.0.0.1:{registry}"',
            f'nginx["status"]["port"] = {status}',
            'registry_auth["enable"] = False',
        ]
        if self._endpoints:
            lines.append('registry["notifications"] = [')
            lines += [endpoint(number) for number in range(self._endpoints)]
            lines.append("]")
        settings = self.path / "etc/gitlab/gitlab.py"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text("\n".join(lines) + "\n")

    def end(self) -> None:
        """Stop its supervisor and every service of it, and wait for their end."""
        pattern = f"runsvdir -P {self.path}/"
        subprocess.run(["pkill", "-HUP", "-f", pattern], check=False)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            left = subprocess.run(["pgrep", "-f", str(self.path)], capture_output=True, check=False)
            if left.returncode != 0:
                return
            time.sleep(0.05)
        raise SystemExit(f"processes of {self.path} do not end")

    def cold(self) -> float:
        """The time of a first reconfigure, in seconds: everything of the last one is removed before."""
        self.end()
        shutil.rmtree(self.path)
        self.path.mkdir(mode=0o755)
        self.prepare()
        began = time.perf_counter()
        subprocess.run([*self.ctl, "reconfigure"], check=True, capture_output=True)
        return time.perf_counter() - began


def endpoint(number: int) -> str:
    """One notification endpoint with every key, as the settings file writes it."""
    return (
        f'  {{"name": "endpoint-{number}", "url": "https://listener-{number}.example.com/events",\n'
        f'   "timeout": "500ms", "maxretries": 5, "backoff": "1s",\n'
        f'   "headers": {{"Authorization": ["Bearer {number}"], "X-Number": ["{number}"]}}}},'
    )


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
