"""Files that lie in a connection's folder, and mails in its mailbox: taken into the inbox, each exactly once, and put
away when they are read.

A file stays where it is until its delivery has come to an end; a crash at any moment is mended by the next look, since
the delivery's key is made of the file's name and content, or is the one that the channel gives a mail. What was seen of
each file is the errand's cursor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from dataclasses import replace as replace_name
from datetime import timedelta
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from engine.contracts import Delivery, Feedback, Finding, Found, Page, Verified
from engine.flow.accept import body_limit
from engine.flow.ask.visit import Visit
from engine.flow.reader import active_secrets, reader
from engine.io.drop import Drop, DropFailed
from engine.rules import drop as rules
from engine.rules.drop import FAILED, PROCESSED, Entry, Seen
from engine.store import followed

HEADER = "x-todoke-file"
SHOWN = 5  # files that are told one by one


@dataclass(frozen=True)
class Collected:
    """What came of a look. `again`: until the next one, None where nothing waits for it."""

    again: timedelta | None
    findings: tuple[Finding, ...]


def collect(visit: Visit) -> Collected:
    """Look once, and do what there is to do. One file that cannot be read or moved is in nobody's way.
    Raises DropFailed, and Lost when somebody else has the errand."""
    with closing(_opened(visit.settings)) as drop:
        now = visit.app.clock.real().timestamp()
        known = _remembered(visit.errand.cursor)
        listed = [entry for entry in drop.look() if rules.wanted(entry.name, visit.settings)]
        listed.sort(key=lambda entry: (entry.modified, entry.name))
        look = _Look(visit=visit, drop=drop, seen={
            entry.name: rules.noticed(entry, known.get(entry.name), now) for entry in listed
        })  # fmt: skip
        waiting = [entry for entry in listed if not look.seen[entry.name].done]
        look.put_away(waiting)
        left = None
        for place, entry in enumerate(waiting):
            if visit.enough() or place >= rules.MOST:
                left = timedelta(0)  # there is more to do, as soon as others have had their turn
                break
            look.take(entry, now)
        look.put_away(waiting)  # what had been known already came to its end before
        visit.keep(Page(cursor=_written(look.seen)))
        pending = any(not one.done and name not in look.failed for name, one in look.seen.items())
        return Collected(left if left is not None else rules.SOON if pending else None, look.findings())


def _opened(settings: Mapping[str, str]) -> Drop:
    if url := settings.get("imap"):
        from engine.io import imap

        return imap.Imap(imap.place(url))
    where = rules.place(settings["drop"])
    if where is None:
        raise DropFailed("needs", "drop names no folder")
    if not where.host:
        from engine.io.folder import Folder

        return Folder(where.path)
    try:
        from engine.io.sftp import Sftp
    except ImportError as missing:
        raise DropFailed("needs", "SFTP is not installed here: pip install 'todoke[sftp]'") from missing
    password, key = settings.get("drop_password"), settings.get("drop_key")
    return Sftp(where, host_key=settings.get("drop_host_key", ""), password=password, key=key)


@dataclass(kw_only=True)
class _Look:
    """One look into the folder. `seen` is what is remembered of each file, `failed` why some are left lying."""

    visit: Visit
    drop: Drop
    seen: dict[str, Seen]
    failed: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Entry, now: float) -> None:
        """Store the file, if it is whole, together with what is known of the folder by then."""
        known = self.seen.get(entry.name)
        if known is None or known.key is not None or entry.name in self.failed:
            return
        if not self.drop.whole and not rules.settled(known, now):
            return
        most = body_limit(self.visit.app, self.visit.connection)
        if entry.size > most:
            self._away(entry, FAILED, f"the file is larger than {most} bytes")
            return
        try:
            body = self.drop.read(entry, self.visit.alive)
        except DropFailed as failed:
            self._leave(entry, failed)
            return
        if body is None:
            del self.seen[entry.name]  # it is still being written: noticed anew by the next look
            return
        topic, key = self._named(entry, body)
        self.seen[entry.name] = replace(known, key=key)
        found = Found(topic=topic, key=key, body=body, headers={HEADER: entry.name}, changed_at=rules.put_there(entry))
        self.visit.keep(Page(found=(found,), cursor=_written(self.seen)))

    def put_away(self, waiting: Sequence[Entry]) -> None:
        """Files whose deliveries have come to their end leave the folder: to processed/, or to failed/ when they could
        not be read, with what was left out or what is missing beside them."""
        keys = {one.key: entry for entry in waiting if (one := self.seen.get(entry.name)) and one.key and not one.done}
        if not keys:
            return
        with self.visit.app.store.read() as tx:
            ends = followed.ends(tx, self.visit.connection.id, list(keys))
        for row in ends:
            if row.state != "new" and (entry := keys[row.dedupe_key]).name not in self.failed:
                told = f"{row.state}: {row.reason}" if row.state in {"parked", "ignored"} else row.reason
                self._away(entry, FAILED if row.state == "dead" else PROCESSED, told)

    def findings(self) -> tuple[Finding, ...]:
        """What could not be done, a few of it, and what waits."""
        bad = [
            Finding(level="error", what=f"{name}: {why}", do="see to it that we may read and move files there")
            for name, why in list(self.failed.items())[:SHOWN]
        ]
        waits = sum(not one.done for one in self.seen.values())
        where, what = self.visit.settings.get("drop", "the mailbox"), "mails" if self.drop.whole else "files"
        return (*bad, Finding(level="ok", what=f"looks into {where}; {what} there that are not put away yet: {waits}"))

    def _away(self, entry: Entry, folder: str, reason: str | None) -> None:
        known = self.seen[entry.name]
        if self.visit.settings.get("drop_after") == "keep":
            self.seen[entry.name] = replace(known, done=True)
            return
        self.visit.alive()
        try:
            self.drop.put_away(entry.name, folder, rules.filed(entry.name, known.key or f"{entry.size:08d}"), reason)
        except DropFailed as failed:
            self._leave(entry, failed)
            return
        del self.seen[entry.name]

    def _leave(self, entry: Entry, failed: DropFailed) -> None:
        """Raises what concerns the whole folder."""
        if failed.why not in {"request", "provider"}:
            raise failed
        self.failed[entry.name] = str(failed)

    def _named(self, entry: Entry, body: bytes) -> tuple[str, str]:
        """Topic and key: what its reader calls a body of this kind, for those that tell it from the body."""
        app, connection = self.visit.app, self.visit.connection
        reads = reader(app, connection)
        told = Delivery(body=body, headers={}, received_at=app.clock.real(), config=connection.config)
        if isinstance(reads, Feedback) and reads.mailed:
            name = reads.mailed(told, active_secrets(app, connection))
        else:
            name = reads.identify(told) if reads and reads.identify else Verified()
            name = replace_name(name, key=None)  # the same content under another name is another file
        key = name.key or "file-" + sha256(entry.name.encode() + b"\0" + body).hexdigest()
        return name.topic or "", key


def _remembered(cursor: str | None) -> dict[str, Seen]:
    try:
        return msgspec.json.decode(cursor, type=dict[str, Seen]) if cursor else {}
    except msgspec.DecodeError:
        return {}


def _written(seen: Mapping[str, Seen]) -> str:
    return msgspec.json.encode(seen).decode()
