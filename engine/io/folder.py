"""A folder of this machine that files are taken from. Links are not followed: whoever may write into the folder must
not make us read what they may not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.io.drop import Alive, DropFailed
from engine.rules.drop import REASON, Entry, moment

CHUNK = 1 << 20


class Folder:
    """Implements `engine.io.drop.Drop`."""

    whole = False

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def look(self) -> list[Entry]:
        """Regular files only."""
        found = []
        try:
            with os.scandir(self._path) as entries:
                for one in entries:
                    if one.is_file(follow_symlinks=False):
                        told = one.stat(follow_symlinks=False)
                        at = moment(told.st_mtime)
                        found.append(Entry(name=one.name, size=told.st_size, modified=told.st_mtime_ns, at=at))
        except FileNotFoundError as missing:
            if not self._path.is_dir():
                raise DropFailed("request", f"there is no folder {self._path}") from missing
            return []  # a file went while we looked; the next look sees the rest
        except OSError as failed:
            raise DropFailed("request", f"{self._path}: {failed.strerror}") from failed
        return found

    def read(self, entry: Entry, alive: Alive) -> bytes | None:
        """In portions, so that a large file on a slow disk keeps its lease."""
        try:
            handle = os.open(self._path / entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as failed:
            raise DropFailed("request", f"{entry.name}: {failed.strerror}; may this user read it?") from failed
        with os.fdopen(handle, "rb") as file:
            if not _as_listed(os.fstat(handle), entry):
                return None
            data = bytearray()
            while len(data) <= entry.size and (chunk := file.read(CHUNK)):  # who writes faster than we read goes on
                data += chunk
                alive()
            return bytes(data) if _as_listed(os.fstat(handle), entry) else None

    def put_away(self, name: str, folder: str, filed: str, reason: str | None) -> None:
        """By a rename within the same file system."""
        there = self._path / folder
        try:
            there.mkdir(exist_ok=True)
            target = there / name
            if target.exists() or target.is_symlink():
                target = there / filed
            if reason is not None:
                target.with_name(target.name + REASON).write_text(reason + "\n", "utf-8")
            (self._path / name).rename(target)
        except FileNotFoundError:
            return
        except OSError as failed:
            then = "let this user write there, or set drop_after=keep"
            what = f"{name} cannot be moved to {folder}/: {failed.strerror}; {then}"
            raise DropFailed("request", what) from failed

    def close(self) -> None:
        """Nothing is kept open."""


def _as_listed(told: os.stat_result, entry: Entry) -> bool:
    return stat.S_ISREG(told.st_mode) and (told.st_size, told.st_mtime_ns) == (entry.size, entry.modified)
