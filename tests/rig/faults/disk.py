"""The disk that SQLite is on is full for a while: the intake says 503, what it took is not lost, and it goes on.

The home is a small file system of its own where we may mount one (root on Linux); anywhere else on Linux no file
of the processes may grow beyond what it is (RLIMIT_FSIZE), which SQLite meets as a write that fails.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.rig.scene import Fault, Scene

SIZE = 256 << 20
FULL = 4.0  # seconds


@contextmanager
def around(scene: Scene) -> Iterator[bool]:
    """Mount it if we may; says whether."""
    scene.home.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "todoke-rig", str(scene.home)]
    mounted = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", scene.home], check=True)


def strike(scene: Scene) -> None:
    """Fill it when part of the story is told; make room again."""
    time.sleep(scene.seconds / 4)
    before, taken = scene.shop.answers[503], scene.shop.done
    full(scene) if scene.prepared else bounded(scene)
    scene.strikes = 1
    print(f"  disk: {scene.shop.answers[503] - before} times 503 and {scene.shop.done - taken} taken while full")
    if scene.shop.answers[503] == before:
        scene.wrong.append("the intake said no 503 while the disk was full")
    time.sleep(scene.seconds / 2)


def full(scene: Scene) -> None:
    """ENOSPC: a file that takes all the room there is, and whatever a checkpoint gives back."""
    filler = scene.home / "filler"
    end = time.monotonic() + FULL
    # Unbuffered, or closing it would write once more what there was no room for.
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < end:
            try:
                file.write(bytes(1 << 16))
            except OSError:
                time.sleep(0.02)
    filler.unlink()


def bounded(scene: Scene) -> None:
    """EFBIG: no file may grow."""
    sizes = [file.stat().st_size for file in scene.home.iterdir() if file.is_file()]
    for one in scene.site.processes:
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (max(sizes), resource.RLIM_INFINITY))
    time.sleep(FULL)
    for one in scene.site.processes:
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def refused() -> str:
    """Neither way is known elsewhere."""
    return "" if sys.platform == "linux" else "a full disk can be made on Linux only"


FAULT = Fault(
    name="disk", says="disk full", strike=strike, around=around, refused=refused, stores=("sqlite",),
    settings={"lease_seconds": 3, "send_seconds": 1, "arm_seconds": 1},
)  # fmt: skip
