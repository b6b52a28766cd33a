"""Messages kept as files instead of sent: the demo's channel, and a merchant's before one is connected."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

from engine.contracts import Answer, Failure, FileRequest

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")  # no separator, nothing hidden, nothing of ours


class MailboxTransport:
    """Keeps each message under its name in `folder` (made with mode 0700; files 0600). Thread-safe.

    Writing a name again replaces it, so a repeated send leaves one message.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def send(self, request: FileRequest) -> Answer | Failure:
        """Return once the message is kept, whole or not at all. Raises ValueError for a name that could leave
        the folder. Nothing is forced to disk: the same bytes stand in the database, committed before."""
        if not _NAME.fullmatch(request.name):
            raise ValueError("name: only letters, digits, '_', '-' and '.', not starting with '.' or '-'")
        part = ""
        try:
            handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=self.folder)
            with os.fdopen(handle, "wb") as file:
                file.write(request.data)
            Path(part).replace(self.folder / request.name)
        except OSError as error:
            if part:
                with contextlib.suppress(OSError):
                    Path(part).unlink()
            return Failure(stage="connect", text=f"{self.folder}: {error.strerror or error}")
        return Answer(code=250, text=f"kept as {request.name}")

    def read(self, name: str) -> bytes:
        """The bytes kept under `name`. Raises FileNotFoundError, also for a name nothing is kept under."""
        if not _NAME.fullmatch(name):
            raise FileNotFoundError("there is no such message")
        with os.fdopen(os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read()

    def close(self) -> None:
        """Nothing is held open."""
