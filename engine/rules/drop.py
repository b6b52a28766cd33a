"""Files that somebody puts into a folder for us: which of them are whole, when they are looked for, where they go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

# A file is whole when it has stayed as it is for so long. One that is empty is more likely not begun than meant.
SETTLED = timedelta(seconds=10)
SETTLED_EMPTY = timedelta(minutes=10)
SOON = timedelta(seconds=11)  # until the next look, while a file settles or is being worked on
EVERY = timedelta(minutes=1)
HERE = timedelta(seconds=10)  # where a look costs nothing
A_DAY = timedelta(days=1)
MOST = 500  # files of one look, the oldest first
PROCESSED, FAILED = "processed", "failed"
REASON = ".reason.txt"
# What programs call a file while they write it.
UNFINISHED = re.compile(
    r"(^\..*|.*~|.*\.(tmp|temp|part|partial|filepart|writing|upload|uploading|crdownload|swp|lock))$", re.I
)

SETTINGS: Mapping[str, Any] = {
    "drop": {
        "type": "string", "pattern": r"^(/|sftp://[^/@]+@[^/@]+)",
        "title": "folder that files are taken from, as /srv/drop/hana or sftp://user@host:22/out",
        "title_ja": "ファイルの取得元フォルダ(/srv/drop/hana または sftp://user@host:22/out)",
    },
    "drop_password": {"type": "string", "secret": True, "title": "password of the SFTP account",
                      "title_ja": "SFTP のパスワード"},
    "drop_key": {"type": "string", "secret": True, "file": True, "title": "private key of the SFTP account, as @FILE",
                 "title_ja": "SFTP の秘密鍵(@ファイル)"},
    "drop_host_key": {"type": "string", "file": True,
                      "title": "key of the SFTP server: SHA256:..., ssh-ed25519 AAAA..., or @known_hosts",
                      "title_ja": "SFTP サーバーの公開鍵(SHA256:...、ssh-ed25519 AAAA...、または @known_hosts)"},
    "drop_files": {"type": "string", "title": "names of the files, as *.csv", "title_ja": "対象のファイル名(例 *.csv)"},
    "drop_after": {"enum": ["move", "keep"], "default": "move",
                   "title": "what becomes of a file: move it to processed/ or failed/, or keep it where it is",
                   "title_ja": "処理後のファイル(move: processed/ か failed/ へ移す、keep: そのまま)"},
    "drop_minutes": {"type": "string", "pattern": r"^[1-9]\d{0,3}$", "title": "minutes between two looks, as 5",
                     "title_ja": "確認の間隔(分)"},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file as it is listed. `modified` is of its own machine's clock, in whatever unit: it is only compared.
    `at` is the same as a moment, as far as it is one."""

    name: str
    size: int
    modified: int
    at: datetime | None = None


class Seen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of a file from look to look. `at` is when it was first seen so (real time, unix seconds),
    `key` names it in the inbox once it was taken; `done`: nothing is left to do but to leave it there."""

    size: int
    modified: int
    at: float
    key: str | None = None
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the files are. Without a host it is a folder of this machine."""

    path: str
    host: str = ""
    port: int = 22
    user: str = ""


def place(text: str) -> Place | None:
    """The place that a `drop` setting names; None when it names none."""
    if text.startswith("/"):
        return Place(path=text)
    try:
        parts = urlsplit(text)
        host, port, user = parts.hostname, parts.port, parts.username
    except ValueError:
        return None
    if parts.scheme != "sftp" or not host or not user or parts.password is not None:
        return None
    return Place(path=unquote(parts.path).removeprefix("/~/") or ".", host=host, port=port or 22, user=unquote(user))


def misset(config: Mapping[str, str], secrets: Iterable[str]) -> str | None:
    """What is wrong with the settings taken together; None when nothing is."""
    if "drop" not in config:
        return None
    where, given = place(config["drop"]), set(secrets)
    if where is None:
        return "drop: expected /folder or sftp://user@host:port/folder, with the password as drop_password=..."
    if where.host and not config.get("drop_host_key"):
        return (
            "drop_host_key is missing: the server's key, or anybody could pretend to be it (ssh-keyscan HOST shows it)"
        )
    if where.host and not given & {"drop_password", "drop_key"}:
        return "drop_password or drop_key is missing: what the SFTP account is opened with"
    return None


def every(config: Mapping[str, str]) -> timedelta:
    """Between two looks when nothing is going on."""
    minutes = config.get("drop_minutes") or config.get("imap_minutes", "")
    if minutes.isdecimal() and int(minutes):
        return timedelta(minutes=int(minutes))
    return HERE if config.get("drop", "").startswith("/") else EVERY


def wanted(name: str, config: Mapping[str, str]) -> bool:
    """Is it a file for us, and finished as far as its name tells?"""
    if UNFINISHED.fullmatch(name) or name.endswith(REASON) or name in (PROCESSED, FAILED) or not name.isprintable():
        return False
    pattern = config.get("drop_files", "")
    return not pattern or fnmatchcase(name.lower(), pattern.lower())


def noticed(entry: Entry, known: Seen | None, now: float) -> Seen:
    """What is remembered of it from now on: it begins anew whenever it changes."""
    if known is not None and (known.size, known.modified) == (entry.size, entry.modified):
        return known
    return Seen(size=entry.size, modified=entry.modified, at=now)


def settled(seen: Seen, now: float) -> bool:
    """Has it stayed as it is for long enough to be whole?"""
    return now - seen.at >= (SETTLED if seen.size else SETTLED_EMPTY).total_seconds()


def put_there(entry: Entry) -> datetime | None:
    """When the file came, at the latest, for whoever asks whether it is older than the connection. A day is allowed
    for: clocks differ, and who sets a connection up begins with the files of that morning."""
    return entry.at + A_DAY if entry.at else None


def moment(seconds: float) -> datetime | None:
    """Unix seconds as a moment; None for what no clock can have meant."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def filed(name: str, key: str) -> str:
    """Its name among those of the same name that went before it."""
    stem, dot, suffix = name.rpartition(".")
    digest = key[-8:]
    return f"{stem}.{digest}.{suffix}" if dot and stem else f"{name}.{digest}"
