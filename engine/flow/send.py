"""T3 claim, T4 arm, send, T5 outcome: the only way by which a message leaves.

Claimed messages are judged and written outside a transaction. T4 looks again under the lock: the lease
must be ours, the subject unchanged since it was read, the gate still open; then the exact bytes and an open
attempt are committed. Only after that commit may they leave, and not later than `arm_seconds` after it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from engine.contracts import Ambiguous, FileRequest, MailRequest, Outcome
from engine.flow.app import App
from engine.flow.letter import Letter, judge, open_letters
from engine.flow.outcome import Try, resolve, settle
from engine.flow.render import Rendered, render
from engine.model.message import MessageStatus
from engine.rules.policy import Allow, Defer, Refuse
from engine.rules.template_filters import Unrenderable
from engine.store import facts, ledger, outbox, people
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


def deliver(app: App) -> int:
    """Send one batch of due messages; returns how many were claimed."""
    lease, limit = timedelta(seconds=app.settings.lease_seconds), min(app.settings.batch, AT_ONCE)
    with app.store.begin() as tx:
        rows = outbox.claim(tx, limit=limit, lease=lease, now=app.clock.now(), real=app.clock.real())
    by_merchant: dict[int, list[int]] = {}
    for row in rows:
        by_merchant.setdefault(row.merchant_id, []).append(row.id)
    for merchant, ids in by_merchant.items():
        _deliver(app, merchant, ids)
    return len(rows)


def _deliver(app: App, merchant: int, ids: Sequence[int]) -> None:
    with app.store.read(merchant) as tx:
        letters = open_letters(app, tx, ids)
        judge(tx, letters, app.clock.now())
    allowed = [letter for letter in letters if isinstance(letter.verdict, Allow)]
    ready = [one for letter in allowed if (one := _write(app, letter)) is not None]
    unwritten = {letter.row.id for letter in allowed} - {one.letter.row.id for one in ready}
    tries = app.store.commit(lambda tx: _arm(app, tx, letters, ready, unwritten), merchant)
    settle(app, merchant, _send(app, tries))


def _write(app: App, letter: Letter) -> Ready | None:
    """The letter in words and bytes; a letter that cannot be written is blocked with the reason."""
    try:
        return Ready(letter=letter, rendered=render(app, letter, app.clock.now()))
    except Unrenderable as missing:
        letter.verdict = Refuse("suppressed", f"not complete: {missing}")
    except ValueError as refused:
        letter.verdict = Refuse("suppressed", f"cannot be written: {refused}")
    except Exception as failed:
        log.error("message.not_written", message=letter.row.public_id, template=letter.row.template, exc_info=failed)
        letter.verdict = Refuse("dead", f"{type(failed).__name__} while writing it; see the log")
    return None


def _arm(app: App, tx: Tx, letters: Sequence[Letter], ready: Sequence[Ready], unwritten: Collection[int]) -> list[Try]:
    """T4. Whoever lost the lease, or whose subject has moved on, is left alone or looked at again. What was
    held up is asked about once more: the pause, or whatever it was, may have ended since it was read."""
    now, real = app.clock.now(), app.clock.real()
    versions = {
        n: held.version for n, held in facts.load(tx, {one.row.subject_id for one in letters}, lock=True).items()
    }
    fences = {letter.row.id: letter.row.fence for letter in letters}
    mine = outbox.held(tx, fences)
    letters = [letter for letter in letters if letter.row.id in mine]
    changed = {one.row.id for one in letters if versions.get(one.row.subject_id) != one.held.version}
    judge(tx, [one for one in letters if one.row.id not in changed and one.row.id not in unwritten], now)
    written = {one.letter.row.id for one in ready}
    for letter in letters:
        if letter.row.id in changed:
            letter.verdict = Defer(now, "its order has changed meanwhile")
        elif isinstance(letter.verdict, Allow) and letter.row.id not in written:
            letter.verdict = Defer(now, "what held it up is over")
    _keep_back(app, tx, [one for one in letters if not isinstance(one.verdict, Allow)], now)
    going = [one for one in ready if one.letter.row.id in mine and isinstance(one.letter.verdict, Allow)]
    people.add_links(tx, [link for one in going for link in one.rendered.links], now)
    armed = [_armed(tx, one, now) for one in going]
    lease_until = real + timedelta(seconds=app.settings.lease_seconds)
    counts = outbox.arm(tx, armed, now=now, lease_until=lease_until)
    began = app.clock.monotonic()
    return [
        Try(letter=one.letter, request=one.rendered.request, n=counts[one.letter.row.id], armed_at=began)
        for one in going
    ]


def _armed(tx: Tx, one: Ready, now: datetime) -> Armed:
    row, rendered, held = one.letter.row, one.rendered, one.letter.held
    request = rendered.request
    data = request.data if isinstance(request, MailRequest | FileRequest) else msgspec.json.encode(request)
    if one.letter.channel is None:
        raise TypeError("a letter without a channel was written")

    def sealed(part: Part, value: bytes) -> bytes:
        return seal(tx, held, row.public_id, part, value)

    return Armed(
        id=row.id, fence=row.fence, connection=one.letter.channel.id, channel=one.letter.step.via[0],
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


def _send(app: App, tries: Sequence[Try]) -> list[tuple[Try, Outcome | None]]:
    """What came of each; None for a try that was not started."""
    done: list[tuple[Try, Outcome | None]] = []
    for one in tries:
        if app.clock.monotonic() - one.armed_at > app.settings.arm_seconds:
            # The facts may have moved on since they were looked at; it surely has not left.
            done.append((one, None))
            continue
        connection = one.letter.channel
        if connection is None:
            raise TypeError("a letter without a channel was armed")
        done.append((one, _hand_over(app, connection, one)))
    return done


def _hand_over(app: App, connection: Connection, one: Try) -> Outcome:
    """What came of it. Whatever breaks in between may have happened after it left."""
    try:
        return app.channels(connection.connector).classify(app.post.send(connection, one.request))
    except Exception as failed:
        log.error("message.not_handed_over", message=one.letter.row.public_id, exc_info=failed)
        return Ambiguous(reason=f"{type(failed).__name__} while it was handed over; see the log")
