"""The only way by which a message leaves: claim (T3), judge and write outside a transaction, arm (T4), hand over not
later than `arm_seconds` after it, settle (T5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import structlog

from engine.flow import claims, doubt
from engine.flow.app import App
from engine.flow.arm import Batch, Ready, arm
from engine.flow.doubt import Before
from engine.flow.hand_over import hand_over
from engine.flow.letter import Letter, find_ways, judge, open_letters
from engine.flow.limits import batch_size
from engine.flow.limits.batch_size import AT_ONCE
from engine.flow.login import log_in
from engine.flow.outcome import settle
from engine.flow.render import render
from engine.io.metrics import SEND
from engine.model.consent import lane
from engine.rules.policy import Allow, Refuse
from engine.rules.template_filters import Unrenderable

log = structlog.get_logger(__name__)


def deliver(app: App, lane: int | None = None) -> int:
    """Send one batch of due messages, of that lane or of both; returns how many were claimed."""
    with claims.gathered(app, app.lines.lanes[lane or 0]):
        lane, rows = claims.messages(app, lane)
        by_merchant: dict[int, list[int]] = {}
        for row in rows:
            by_merchant.setdefault(row.merchant_id, []).append(row.id)
        for merchant, ids in by_merchant.items():
            with (
                app.lines.lanes[lane].serving({merchant: len(ids)}) as mine,
                app.store.at_work(mine.much),
                SEND.timed(),
            ):
                mine.elsewhere = _deliver(app, merchant, ids)
    return len(rows)


def _deliver(app: App, merchant: int, ids: Sequence[int]) -> float:
    """Returns the seconds that went into handing over."""
    sending = 0.0
    with app.store.read(merchant) as tx:
        letters = open_letters(app, tx, ids)
        known = doubt.before(tx, letters)
        find_ways(app, tx, letters, {number: one.past for number, one in known.items()})
        judge(tx, letters, app.clock.now())
    log_in(app, letters)
    for some in _at_once(app, letters):
        allowed = [letter for letter in some if isinstance(letter.verdict, Allow)]
        ready = [one for letter in allowed if (one := _write(app, letter, known.get(letter.row.id))) is not None]
        unwritten = {letter.row.id for letter in allowed} - {one.letter.row.id for one in ready}
        batch = Batch(letters=some, ready=ready, known=known, unwritten=frozenset(unwritten))
        tries = arm(app, merchant, batch)
        began = app.clock.monotonic()
        with app.store.resting():
            done = hand_over(app, tries)
        sending += app.clock.monotonic() - began
        settle(app, merchant, done)
    return sending


def _at_once(app: App, letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """What may be armed together: few where nobody could say afterwards what has left, or what one request carries; all
    where the channel recognises our key again."""
    by_most: dict[int, list[Letter]] = {}
    for letter in letters:
        by_most.setdefault(min(app.settings.batch, _most(app, letter)), []).append(letter)
    for most, some in sorted(by_most.items()):
        yield from (some[at : at + most] for at in range(0, len(some), most))


def _most(app: App, letter: Letter) -> int:
    channel = letter.channel
    if channel is not None and lane(letter.row.purpose) and (carried := batch_size.size(app, channel)) > 1:
        return max(AT_ONCE, carried)
    return app.settings.batch if doubt.window_of(app, channel) > timedelta(0) else AT_ONCE


def _write(app: App, letter: Letter, known: Before | None) -> Ready | None:
    """The letter in words and bytes; a letter that cannot be written is blocked with the reason."""
    app.store.let_by()
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
