"""T4 arm, the point of no return. Under the lock: is the lease ours, the subject unchanged since it was read, the gate
still open, the account free? Then the exact bytes and an open attempt are committed; only after that may they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from engine.contracts import FileRequest, MailRequest
from engine.flow import batches, doubt
from engine.flow.app import App
from engine.flow.attempt import Try
from engine.flow.doubt import Before
from engine.flow.letter import Letter, judge
from engine.flow.limits import fuse, passage
from engine.flow.outcome import resolve
from engine.flow.render import Rendered
from engine.model.message import MessageStatus
from engine.rules.fuse import hour_of
from engine.rules.policy import Allow, Defer, Refuse
from engine.store import facts, ledger, outbox, people
from engine.store.attempts import NOTHING, Past
from engine.store.contents import Part, seal
from engine.store.ledger import Entry
from engine.store.outbox import Armed, NotSent
from engine.store.session import Tx


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A letter that was written."""

    letter: Letter
    rendered: Rendered


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One merchant's leased messages: all of them, those that were written, what was before of those armed before."""

    letters: Sequence[Letter]
    ready: Sequence[Ready]
    known: Mapping[int, Before]
    unwritten: frozenset[int] = frozenset()  # could not be written, though the gate was open

    def past(self, message: int) -> Past:
        """What became of the attempts before."""
        return self.known[message].past if message in self.known else NOTHING


def arm(app: App, merchant: int, batch: Batch) -> list[Try]:
    """T4, done again when a volume fuse blew: its journey is paused then, so that happens once for each."""
    blown: dict[str, fuse.Blown] = {}
    while True:
        try:
            return app.store.commit(partial(_arm, app, batch=batch, blown=list(blown.values())), merchant)
        except fuse.Blown as found:
            blown[found.journey] = found


def _arm(app: App, tx: Tx, batch: Batch, blown: Sequence[fuse.Blown]) -> list[Try]:
    """T4. What may not leave is written down; accounts and volumes, which many share, are locked last. Raises
    fuse.Blown when more would be armed than a journey's limit."""
    now, real = app.clock.now(), app.clock.real()
    if blown:
        tx.shut_gate(tx.merchant)
    else:
        tx.pass_gate()
    for one in blown:
        fuse.pause(tx, one, now)
    letters = _mine(app, tx, batch, now)
    _keep_back(app, tx, [letter for letter in letters if not isinstance(letter.verdict, Allow)], now)
    written = {one.letter.row.id: one for one in batch.ready}
    asking = [letter for letter in letters if isinstance(letter.verdict, Allow)]
    surely_new = [letter for letter in asking if not batch.past(letter.row.id).unknowns]
    shared = batches.shared(app, surely_new, lambda number: written[number].rendered.request)
    passed = passage.let_pass(app, tx, asking, now, shared)
    _keep_back(app, tx, [letter for letter in asking if letter.row.id not in passed], now)
    going = [written[letter.row.id] for letter in asking if letter.row.id in passed]
    people.add_links(tx, [link for one in going for link in one.rendered.links], now)
    shared = batches.among(shared, passed)
    carried = Counter(shared.values())
    armed = [_armed(tx, one, now, carried.get(shared.get(one.letter.row.id, 0))) for one in going]
    lease_until = real + timedelta(seconds=app.settings.lease_seconds)
    outbox.arm(tx, armed, now=now, lease_until=lease_until)
    fuse.count(app, tx, [one.letter for one in going], now)
    began = app.clock.monotonic()
    return [
        Try(letter=one.letter, request=one.rendered.request, n=one.letter.row.tries + 1, armed_at=began,
            hour=hour_of(now), passage=passed[number], past=batch.past(number), batch=shared.get(number))
        for one in going for number in [one.letter.row.id]
    ]  # fmt: skip


def _mine(app: App, tx: Tx, batch: Batch, now: datetime) -> list[Letter]:
    """Lock and judge again. Whoever lost the lease, or whose subject has moved on, is left alone or looked at
    again. What was held up is asked about once more: the pause, or whatever it was, may have ended since."""
    subjects = {letter.row.subject_id for letter in batch.letters}
    versions = facts.versions(tx, subjects)
    mine = outbox.held(tx, {letter.row.id: letter.row.fence for letter in batch.letters})
    letters = [letter for letter in batch.letters if letter.row.id in mine]
    changed = {one.row.id for one in letters if versions.get(one.row.subject_id) != one.held.version}
    judge(tx, [one for one in letters if one.row.id not in changed | batch.unwritten], now)
    written = {one.letter.row.id: one.rendered.route for one in batch.ready}
    for letter in letters:
        if letter.row.id in changed:
            letter.verdict = Defer(now, "its order has changed meanwhile")
        elif isinstance(letter.verdict, Allow) and letter.row.id not in written:
            letter.verdict = Defer(now, "what held it up is over")
        elif isinstance(letter.verdict, Allow) and written[letter.row.id] != letter.route:
            letter.verdict = Defer(now, "the way it was written for is closed by now")
        known = batch.known.get(letter.row.id)
        if isinstance(letter.verdict, Allow) and (late := doubt.too_late(app, letter, known, now)):
            letter.verdict = late
        doubt.unless_left(letter, known)
    return letters


def _armed(tx: Tx, one: Ready, now: datetime, carried: int | None) -> Armed:
    row, rendered, held = one.letter.row, one.rendered, one.letter.held
    request = rendered.request
    data = request.data if isinstance(request, MailRequest | FileRequest) else msgspec.json.encode(request)
    route = rendered.route
    if route.address is None:
        raise TypeError("a letter without an address was written")
    address = route.address.encode()

    def sealed(part: Part, value: bytes) -> bytes:
        return seal(tx, held, row.public_id, part, value)

    return Armed(
        id=row.id, fence=row.fence, n=row.tries + 1, connection=route.channel.id, channel=route.medium,
        address=sealed("address", address), line=sealed("line", rendered.content.subject.encode()),
        request=sealed("request", data), first_armed_at=row.first_armed_at or now,
        batch=carried,
    )  # fmt: skip


def _keep_back(app: App, tx: Tx, letters: Sequence[Letter], now: datetime) -> None:
    """Write why these do not leave now; the runs of those that never will are told."""
    kept: list[NotSent] = []
    entries: list[Entry] = []
    settled: list[tuple[Any, MessageStatus]] = []
    for letter in letters:
        row = letter.row
        match letter.verdict:
            case Refuse(status=status, reason=reason, values=values):
                decision: str = status
                kept.append(NotSent(id=row.id, fence=row.fence, status=status, reason=reason))
                settled.append((row, status))
            case Defer(until=until, reason=reason, awaits=awaits, values=values):
                decision, due_at = "deferred", min(until, row.expires_at)
                kept.append(
                    NotSent(id=row.id, fence=row.fence, status="planned", reason=reason, due_at=due_at, awaits=awaits)
                )
            case Allow():
                continue
        entries.append(
            Entry(at=now, decision=decision, subject=row.subject_id, message=row.id, journey=row.journey,
                  step=row.step, reason=reason, values=values)
        )  # fmt: skip
    outbox.keep_back(tx, kept)
    ledger.note(tx, entries)
    resolve(app, tx, settled)
