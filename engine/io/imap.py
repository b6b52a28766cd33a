"""A mailbox on an IMAP server that mails are taken from, as files are from a folder."""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from engine.io.drop import Alive, DropFailed
from engine.io.smtp_server import is_loopback
from engine.rules.drop import Entry

T = TypeVar("T")
PATIENCE = 30.0  # seconds for one answer
MOST = 1_000  # mails that one look lists, the oldest first
PREFIX = "todoke-"  # before the names of the folders that mails are moved to, for others may live in the account
_SIZE = re.compile(rb"UID (\d+).*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)", re.DOTALL)
_NAMESPACE = re.compile(rb'^\(\("((?:[^"\\]|\\.)*)" ')


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the mails are. `tls`: from the first byte; else STARTTLS is demanded, but on this machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    mailbox: str = "INBOX"
    tls: bool = True

    def __str__(self) -> str:
        return f"{self.mailbox} of {self.user} at {self.host}"


def place(url: str) -> Place:
    """`imap[s]://user:password@host[:port][/mailbox]`, user, password and mailbox percent-encoded. Raises DropFailed,
    which repeats nothing of it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    mailbox = unquote(parts.path.strip("/")) or "INBOX"
    if parts.scheme not in {"imap", "imaps"} or not host or not user or parts.query or parts.fragment:
        raise DropFailed("needs", "imap: write imaps://user:password@host/INBOX (percent-encode @ : / in the password)")
    if not f"{user}{password}{mailbox}".isascii() or not f"{user}{password}{mailbox}".isprintable():
        raise DropFailed("needs", "imap: user, password and mailbox must be printable ASCII")
    tls = parts.scheme == "imaps"
    return Place(host=host, port=port or (993 if tls else 143), user=user, password=password, mailbox=mailbox, tls=tls)


class Imap:
    """Implements `engine.io.drop.Drop`: a mail's name is UIDVALIDITY-UID, which the server gives to no other. Opens its
    session at once; raises DropFailed when it cannot."""

    whole = True

    def __init__(self, where: Place, *, context: ssl.SSLContext | None = None) -> None:
        self._where = where
        self._context = context or ssl.create_default_context()
        self._imap = self._asked("provider", self._connect)
        try:
            self._asked("login", lambda: self._imap.login(where.user, where.password))
            # More is offered to who has logged in; the library asks once, before that.
            _, offered = self._asked("provider", self._imap.capability)
            self._can = frozenset(_readable(offered).upper().split())
            self._validity = self._select()
        except BaseException:
            self.close()
            raise

    def look(self) -> list[Entry]:
        """Mails that are not marked as deleted."""
        (uids,) = self._done("UID", "SEARCH", "UNDELETED") or (b"",)
        listed = (uids or b"").split()[:MOST]
        if not listed:
            return []
        found = []
        for one in self._done("UID", "FETCH", b",".join(listed).decode(), "(UID RFC822.SIZE)"):
            told = _SIZE.search(one[0] if isinstance(one, tuple) else one or b"")
            if told:
                uid, size = int(told[1] or told[4]), int(told[2] or told[3])
                found.append(Entry(name=f"{self._validity}-{uid}", size=size, modified=uid))
        return found

    def read(self, entry: Entry, alive: Alive) -> bytes | None:
        """The mail, without marking it as read; None when it is gone."""
        answer = self._done("UID", "FETCH", self._uid(entry.name), "(BODY.PEEK[])")
        alive()
        return next((one[1] for one in answer if isinstance(one, tuple)), None)

    def put_away(self, name: str, folder: str, filed: str, reason: str | None) -> None:
        """By MOVE (RFC 6851) where the server can, else by a copy, the mark "deleted", and UID EXPUNGE (RFC 4315)
        where it can. Why a mail failed stands in our inbox, not beside it."""
        uid, there = self._uid(name), self._quoted(self._prefix() + PREFIX + folder)
        move = "MOVE" in self._can
        ok, said = self._try("UID", "MOVE" if move else "COPY", uid, there)
        if not ok:
            self._try("CREATE", there)
            ok, said = self._try("UID", "MOVE" if move else "COPY", uid, there)
        if not ok:
            raise DropFailed("request", f"{name} cannot be moved to {PREFIX}{folder}: {said}")
        if not move:
            self._done("UID", "STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
            if "UIDPLUS" in self._can:  # or it would take away what others have marked
                self._done("UID", "EXPUNGE", uid)

    def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()

    def _connect(self) -> imaplib.IMAP4:
        where = self._where
        if where.tls:
            return imaplib.IMAP4_SSL(where.host, where.port, ssl_context=self._context, timeout=PATIENCE)
        plain = imaplib.IMAP4(where.host, where.port, timeout=PATIENCE)
        if "STARTTLS" in plain.capabilities:
            plain.starttls(self._context)
        elif not is_loopback(where.host):
            plain.shutdown()
            raise DropFailed("login", f"{where.host} offers no STARTTLS, and the password would travel unprotected")
        return plain

    def _select(self) -> int:
        ok, said = self._try("SELECT", self._quoted(self._where.mailbox))
        if not ok:
            raise DropFailed("request", f"there is no {self._where}: {said}")
        _, told = self._imap.response("UIDVALIDITY")
        validity = told[0] if told else None
        return int(validity) if isinstance(validity, bytes) and validity.isdigit() else 0

    def _prefix(self) -> str:
        """What the names of one's own folders begin with here: "INBOX." on some servers."""
        if "NAMESPACE" not in self._can:
            return ""
        told = self._asked("provider", self._imap.namespace)[1]
        found = _NAMESPACE.match(told[0]) if told and isinstance(told[0], bytes) else None
        return found[1].decode("ascii", "replace") if found else ""

    def _uid(self, name: str) -> str:
        validity, _, uid = name.partition("-")
        if validity != str(self._validity) or not uid.isdigit():
            raise DropFailed("provider", f"{name}: the mailbox has been made anew meanwhile")
        return uid

    def _done(self, *words: str) -> Sequence[Any]:
        ok, told = self._ask(*words)
        if not ok:
            raise DropFailed("provider", f"{self._where}: {words[0]} {words[1]} was refused: {_readable(told)}")
        return [one for one in told if one is not None]

    def _try(self, *words: str) -> tuple[bool, str]:
        ok, told = self._ask(*words)
        return ok, _readable(told)

    def _ask(self, *words: str) -> tuple[bool, Sequence[Any]]:
        def ask() -> tuple[str, Sequence[Any]]:
            if words[0] == "UID":
                return self._imap.uid(words[1], *words[2:])
            if words[0] == "SELECT":
                return self._imap.select(words[1])
            return self._imap.create(words[1])

        status, told = self._asked("provider", ask)
        return status == "OK", told

    def _asked(self, why: Any, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except imaplib.IMAP4.abort as lost:
            raise DropFailed("transport", f"{self._where}: the server hung up: {_brief(lost)}") from lost
        except imaplib.IMAP4.error as refused:
            raise DropFailed(why, f"{self._where}: {_brief(refused)}") from refused
        except OSError as failed:
            raise DropFailed("transport", f"{self._where}: {failed}") from failed

    @staticmethod
    def _quoted(name: str) -> str:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _readable(told: Sequence[Any]) -> str:
    return " ".join(one.decode("utf-8", "replace") for one in told if isinstance(one, bytes))[:500]


def _brief(failed: Exception) -> str:
    first = failed.args[0] if failed.args else ""
    return (first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first))[:200]
