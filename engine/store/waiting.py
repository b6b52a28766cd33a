"""Rows that wait lie in two partial indexes each: in order of time, whoever owns them, and owner by owner.

Which of the two suits is not left to estimates: a plan that was made while little waited would sort a backlog of a
million for every claim, or pass over it for one row of a small merchant's. Each index has a condition of its own, which
always holds, and is read by the statements that say it. All is spelled out: with a parameter in its place no planner
could see that a partial index fits.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column

from engine.store.tables import ERRAND, HOOK_CALL, INBOX, MESSAGE, RUN

NEW = INBOX.c.state == literal_column("'new'")
PLANNED = MESSAGE.c.status == literal_column("'planned'")
WAITS = RUN.c.wake_at.is_not(None)  # said though a moment is compared
ASKS = ERRAND.c.due_at.is_not(None)


def _any(column: Any) -> ColumnElement[bool]:
    return column >= literal_column("''")  # type: ignore[no-any-return]


NEW_IN_TIME = and_(NEW, _any(INBOX.c.verified_by))  # inbox_waiting
NEW_IN_TURN = and_(NEW, _any(INBOX.c.connection_id))  # inbox_turn
PLANNED_IN_TIME = and_(PLANNED, _any(MESSAGE.c.template))  # message_due
PLANNED_IN_TURN = and_(PLANNED, _any(MESSAGE.c.journey))  # message_turn
WAITS_IN_TIME = and_(WAITS, _any(RUN.c.event_type))  # run_wakeup
WAITS_IN_TURN = and_(WAITS, _any(RUN.c.journey))  # run_turn
ASKS_IN_TIME = and_(ASKS, _any(ERRAND.c.kind))  # errand_due
ASKS_IN_TURN = and_(ASKS, _any(ERRAND.c.ref))  # errand_turn
CALLS_IN_TIME = and_(HOOK_CALL.c.due_at.is_not(None), _any(HOOK_CALL.c.type))  # hook_call_due


def calls_in_order(calls: Any) -> ColumnElement[bool]:
    """Calls that have not come to their end, of a table of calls: hook_call_order."""
    return and_(calls.c.due_at.is_not(None), _any(calls.c.public_id))
