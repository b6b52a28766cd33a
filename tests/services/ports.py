"""Ports of 127.0.0.1 for servers that tests and benchmarks start."""

from __future__ import annotations

import os
import socket
from itertools import cycle

# Below 32768, where Linux begins to give ports to connections that leave (ip_local_port_range), and a part of its own
# for each process of pytest-xdist: nobody takes a port between the moment it is found and the start of its server.
FIRST, EACH, PARTS = 16_384, 1_024, 16
_PART = FIRST + EACH * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PARTS)
# Runs side by side begin at different places, and far from each other when their processes were started together.
APART = 67
_NEXT = cycle(_PART + (os.getpid() * APART + n) % EACH for n in range(EACH))


def free_port() -> int:
    """A port that nobody listens on, another one at every call."""
    for _ in range(EACH):
        port = next(_NEXT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port is free from {_PART} to {_PART + EACH - 1}")
