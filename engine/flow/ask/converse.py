"""A conversation played to its end: what it yields is done, and it is handed what came of that."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from engine.contracts import (
    Answer,
    Api,
    Conversation,
    Failure,
    Finding,
    HttpRequest,
    Page,
    Parcels,
    Renewed,
    Unanswered,
    UnderWay,
)
from engine.flow.ask.parcels import under_way
from engine.flow.ask.visit import Endless, Visit
from engine.rules.errand import Why

log = structlog.get_logger(__name__)
LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Over:
    """It came to its end. `again` is when to do it again, where that is not for the connection's settings to say."""

    findings: tuple[Finding, ...] | None = None
    again: timedelta | None = None


@dataclass(frozen=True)
class Enough:
    """It was left after a page; the next visit goes on from there."""


@dataclass(frozen=True)
class Met:
    """It came to nothing; `findings` are what was learned all the same."""

    why: Why
    reason: str
    after: timedelta | None = None
    findings: tuple[Finding, ...] | None = None


End = Over | Enough | Met


def begin(api: Api, visit: Visit, address: str) -> Conversation[Any] | None:
    """The conversation that this errand asks for; None where the source has none. `address` is the intake's."""
    asking, errand = visit.asking(), visit.errand
    match errand.kind:
        case "poll" | "backfill":
            return api.poll(asking) if api.poll else None
        case "fetch":
            return api.fetch(asking, errand.ref) if api.fetch else None
        case "subscribe":
            return api.subscribe(asking, address) if api.subscribe else None
        case "check":
            return api.check(asking) if api.check else None
        case "collect":  # files are no conversation: engine.flow.ask.collect
            return None


def converse(visit: Visit, conversation: Conversation[Any]) -> End:
    """Play it. Raises Lost, and what the store raises: then nobody has written how it ended."""
    answer: Answer | Parcels | None = None
    paged = False  # nothing was asked since the last page
    try:
        while True:
            try:
                step: object = conversation.send(answer)
            except StopIteration as end:
                return Over(_findings(end.value))
            except Unanswered as no:
                return Met(no.why, str(no)[:LONGEST], no.after)
            except Exception as failed:
                return _broken(visit, failed)
            answer = None
            match step:
                case HttpRequest():
                    if paged and visit.enough():
                        return Enough()
                    paged, got = False, visit.ask(step)
                    if isinstance(got, Failure):
                        return Met("transport", f"{got.stage}: {got.text}"[:LONGEST])
                    answer = got
                case Page():
                    visit.keep(step)
                    paged = True
                case Renewed():
                    visit.renew(step)
                case UnderWay():
                    answer = under_way(visit.app, visit.connection, step)
                case _:
                    return _broken(visit, TypeError(f"a conversation yields no {type(step).__name__}"))
    except Endless as endless:
        return Met("endless", str(endless))
    finally:
        with contextlib.suppress(Exception):
            conversation.close()


def _findings(value: Any) -> tuple[Finding, ...] | None:
    return tuple(one for one in value if isinstance(one, Finding)) if isinstance(value, tuple | list) else None


def _broken(visit: Visit, failed: Exception) -> Met:
    log.error("source.failed", connection=visit.connection.id, kind=visit.errand.kind, exc_info=failed)
    return Met("bug", f"{type(failed).__name__} in the connector; see the log")
