"""T3 claim, T4 arm, send, T5 outcome: the only way by which a message leaves.

Claimed messages are judged and written outside a transaction. T4 looks again under the lock: the lease
must be ours, the subject unchanged since it was read, the gate still open; then the exact bytes and an open
attempt are committed. Only after that commit may they leave, and not later than `arm_seconds` after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog

from engine.contracts import FileRequest, MailRequest
from engine.flow import claims, doubt, fuse, passage
from engine.flow.app import App
from engine.flow.doubt import Before
from engine.flow.hand_over import hand_over
from engine.flow.letter import Letter, judge, open_letters
from engine.flow.outcome import Try, resolve, settle
from engine.flow.render import Rendered, render
from engine.io.metrics import SEND
from engine.model.message import MessageStatus
from engine.rules.policy import Allow, Defer, Refuse
from engine.rules.template_filters import Unrenderable
from engine.store import facts, ledger, outbox, people
from engine.store.attempts import NOTHING, Past
from engine.store.contents import Part, seal
from engine.store.ledger import Entry
from engine.store.merchants import Connection
from engine.store.outbox import Armed, NotSent
from engine.store.session import Tx

log = structlog.get_logger(__name__)
# Messages that one thread has under way: they must start within `arm_seconds`, and if the process dies, as many
# of them as were armed are unknown.
AT_ONCE = 20


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


def deliver(app: App, lane: int | None = None) -> int:
    """Send one batch of due messages, of that lane or of both; returns how many were claimed."""
    lane, rows = claims.messages(app, lane)
    by_merchant: dict[int, list[int]] = {}
    for row in rows:
        by_merchant.setdefault(row.merchant_id, []).append(row.id)
    for merchant, ids in by_merchant.items():
        with (
            app.lines.lanes[lane].serving({merchant: len(ids)}) as mine,
            app.store.giving_way(mine.much, at_work=True),
            SEND.timed(),
        ):
            mine.elsewhere = _deliver(app, merchant, ids)
    return len(rows)


def _deliver(app: App, merchant: int, ids: Sequence[int]) -> float:
    """Returns the seconds that went into handing over."""
    sending = 0.0
    with app.store.read(merchant) as tx:
        letters = open_letters(app, tx, ids)
        judge(tx, letters, app.clock.now())
        known = doubt.before(tx, letters)
    for some in _at_once(app, letters):
        allowed = [letter for letter in some if isinstance(letter.verdict, Allow)]
        ready = [one for letter in allowed if (one := _write(app, letter, known.get(letter.row.id))) is not None]
        unwritten = {letter.row.id for letter in allowed} - {one.letter.row.id for one in ready}
        batch = Batch(letters=some, ready=ready, known=known, unwritten=frozenset(unwritten))
        tries = _committed(app, merchant, batch)
        began = app.clock.monotonic()
        with app.store.resting():
            done = hand_over(app, tries)
        sending += app.clock.monotonic() - began
        settle(app, merchant, done)
    return sending


def _committed(app: App, merchant: int, batch: Batch) -> list[Try]:
    """T4, done again when a volume fuse blew: its journey is paused then, so that happens once for each."""
    blown: dict[str, fuse.Blown] = {}
    while True:
        try:
            return app.store.commit(partial(_arm, app, batch=batch, blown=list(blown.values())), merchant)
        except fuse.Blown as found:
            blown[found.journey] = found


def _at_once(app: App, letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """What may be armed together: few where nobody could say afterwards what has left, all where the channel
    recognises our key again."""
    keyed = [one.channel is not None and _knows_keys(app, one.channel) for one in letters]
    for known, most in ((False, min(app.settings.batch, AT_ONCE)), (True, app.settings.batch)):
        some = [letter for letter, is_keyed in zip(letters, keyed, strict=True) if is_keyed is known]
        yield from (some[at : at + most] for at in range(0, len(some), most))


def _knows_keys(app: App, channel: Connection) -> bool:
    return app.channels(channel.connector).capabilities.idempotency > timedelta(0)


def _write(app: App, letter: Letter, known: Before | None) -> Ready | None:
    """The letter in words and bytes; a letter that cannot be written is blocked with the reason."""
    try:
        rendered = render(app, letter, app.clock.now())
        return Ready(letter=letter, rendered=doubt.as_before(letter, known, rendered))
    except doubt.Changed as changed:
        letter.verdict = Refuse("unknown", str(changed))
    except Unrenderable as missing:
        letter.verdict = Refuse("suppressed", f"not complete: {missing}")
    except ValueError as refused:
        letter.verdict = Refuse("suppressed", f"cannot be written: {refused}")
    except Exception as failed:
        log.error("message.not_written", message=letter.row.public_id, template=letter.row.template, exc_info=failed)
        letter.verdict = Refuse("dead", f"{type(failed).__name__} while writing it; see the log")
    return None


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
    passed = passage.let_pass(app, tx, asking, now)
    _keep_back(app, tx, [letter for letter in asking if letter.row.id not in passed], now)
    going = [written[letter.row.id] for letter in asking if letter.row.id in passed]
    people.add_links(tx, [link for one in going for link in one.rendered.links], now)
    armed = [_armed(tx, one, now) for one in going]
    lease_until = real + timedelta(seconds=app.settings.lease_seconds)
    outbox.arm(tx, armed, now=now, lease_until=lease_until)
    fuse.count(app, tx, [one.letter for one in going], now)
    began = app.clock.monotonic()
    return [
        Try(letter=one.letter, request=one.rendered.request, n=one.letter.row.tries + 1, armed_at=began,
            passage=passed[number], past=batch.past(number))
        for one in going for number in [one.letter.row.id]
    ]  # fmt: skip


def _mine(app: App, tx: Tx, batch: Batch, now: datetime) -> list[Letter]:
    """Lock and judge again. Whoever lost the lease, or whose subject has moved on, is left alone or looked at
    again. What was held up is asked about once more: the pause, or whatever it was, may have ended since."""
    subjects = {letter.row.subject_id for letter in batch.letters}
    versions = {number: held.version for number, held in facts.load(tx, subjects, lock=True).items()}
    mine = outbox.held(tx, {letter.row.id: letter.row.fence for letter in batch.letters})
    letters = [letter for letter in batch.letters if letter.row.id in mine]
    changed = {one.row.id for one in letters if versions.get(one.row.subject_id) != one.held.version}
    judge(tx, [one for one in letters if one.row.id not in changed | batch.unwritten], now)
    written = {one.letter.row.id for one in batch.ready}
    for letter in letters:
        if letter.row.id in changed:
            letter.verdict = Defer(now, "its order has changed meanwhile")
        elif isinstance(letter.verdict, Allow) and letter.row.id not in written:
            letter.verdict = Defer(now, "what held it up is over")
        known = batch.known.get(letter.row.id)
        if isinstance(letter.verdict, Allow) and (late := doubt.too_late(app, letter, known, now)):
            letter.verdict = late
        doubt.unless_left(letter, known)
    return letters


def _armed(tx: Tx, one: Ready, now: datetime) -> Armed:
    row, rendered, held = one.letter.row, one.rendered, one.letter.held
    request = rendered.request
    data = request.data if isinstance(request, MailRequest | FileRequest) else msgspec.json.encode(request)
    if one.letter.channel is None:
        raise TypeError("a letter without a channel was written")

    def sealed(part: Part, value: bytes) -> bytes:
        return seal(tx, held, row.public_id, part, value)

    return Armed(
        id=row.id, fence=row.fence, n=row.tries + 1, connection=one.letter.channel.id, channel=one.letter.step.via[0],
        address=sealed("address", rendered.address.encode()), line=sealed("line", rendered.content.subject.encode()),
        request=sealed("request", data), first_armed_at=row.first_armed_at or now,
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
