"""The demo's own folder and port: fresh at each start, and never an installation's."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TextIO

from engine.terminal.speak import refuse

ELSEWHERE = "TODOKE_HOME=<another folder> todoke demo"
MARK = ".todoke-demo"  # nothing is ever deleted in a folder without this file
OF_OTHERS = ("TODOKE_DATABASE_URL", "TODOKE_SECRET_KEYS")  # of the installation around us


def take(home: Path) -> TextIO:
    """Make `home`/demo an empty folder of ours; holds it until the returned file is closed.

    Ends the command with three lines when the folder is somebody else's or a demo is running in it.
    """
    import fcntl

    folder = home.absolute() / "demo"
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        refuse(f"{folder} is not a demo's folder", "a folder that may be emptied", ELSEWHERE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = mark.open("a", encoding="utf-8")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        refuse(f"{folder}: a demo is running there", "one demo in a folder", ELSEWHERE)
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        elif one != mark:
            one.unlink()
    return held


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Ends the command with three lines when another program does."""
    try:
        return socket.create_server((host, port), backlog=128)
    except (OSError, OverflowError) as taken:
        again = f"todoke demo --port {port + 1}"
        refuse(f"port {port} on {host} cannot be used: {taken}", "a port that nothing listens on", again)


def settle(home: Path, address: str) -> None:
    """Point this process at the folder: its own database and keys, no services, links to `address`.

    Warnings stay out of the picture unless a log level was asked for.
    """
    for name in OF_OTHERS:
        os.environ.pop(name, None)
    os.environ |= {
        "TODOKE_HOME": str(home / "demo"), "TODOKE_BROKER_URL": "memory://", "TODOKE_BASE_URL": address,
        "TODOKE_LOG_LEVEL": os.environ.get("TODOKE_LOG_LEVEL", "ERROR"),
    }  # fmt: skip
