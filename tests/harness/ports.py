"""Free loopback ports that no other test takes, also in other processes."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_LOWEST = 20_000


class Ports:
    """Reserves ports below the range from which the kernel takes the ports of outgoing connections.

    A port of that range could be taken by any client while a service restarts. The reservation is a name in
    the kernel (an abstract socket): it ends with the process, whatever happens.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self) -> int:
        """Reserve one free port on 127.0.0.1 until `release`.

        Raises:
            RuntimeError: two hundred ports tried are all in use.
        """
        for port in random.sample(range(_LOWEST, _highest()), 200):
            reservation = _reserve(port)
            if reservation is not None:
                self._held.append(reservation)
                return port
        raise RuntimeError("no free loopback port found")

    def release(self) -> None:
        """Give all reserved ports back."""
        for reservation in self._held:
            reservation.close()
        self._held.clear()


def _highest() -> int:
    low = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0]
    return max(int(low), _LOWEST + 400)


def _reserve(port: int) -> socket.socket | None:
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reservation.bind(f"\0ctl-test-port-{port}")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - free on every address, since NGINX may listen on all
    except OSError:
        reservation.close()
        return None
    return reservation
