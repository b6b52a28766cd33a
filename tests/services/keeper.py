"""Keeps one private PostgreSQL running for as long as some test process holds the other end of a pipe.

Run as a script: keeper.py FOLDER PROGRAM... with FOLDER holding the named pipe `alive`, the lock file `lock` and,
while the server may be used, `server.json`. Whatever way the test processes end, also by SIGKILL, their ends of
the pipe close; then the server is stopped and its data removed. Nothing outlives the tests.
"""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    with open(folder / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def nobody_holds(pipe: int) -> bool:
    try:
        return os.read(pipe, 100) == b""
    except BlockingIOError:
        return False


def watch(folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Return when nobody needs the server any more, or it has gone by itself."""
    pipe = os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
    print("watching", flush=True)
    sys.stdin.readline()  # whoever started us holds the pipe by now
    while server.poll() is None:
        select.select([pipe], [], [], 1.0)
        if nobody_holds(pipe):
            with locked(folder):
                if nobody_holds(pipe):  # and nobody came just now
                    (folder / "server.json").unlink(missing_ok=True)
                    return


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches the tests, whose end reaches us
    folder, data, user = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    as_user = {"user": user, "group": -1, "extra_groups": []} if user else {}
    if user:
        import pwd

        as_user["group"] = pwd.getpwnam(user).pw_gid
    with open(data / "server.log", "ab") as log:
        server = subprocess.Popen(sys.argv[4:], cwd=data, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **as_user)
    try:
        watch(folder, server)
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nobody will read this data again
        server.wait(timeout=20)
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
