"""Events told to the endpoints of merchants and of the operator, by Standard Webhooks.

What is to be told was written with what has happened (`store.calls`). It is posted until the endpoint says 2xx, under
the same id, each time signed anew; a crash between the post and our note of it posts it once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import structlog

from engine.contracts import Answer, Failure, HttpRequest
from engine.flow.app import App, SideBySide
from engine.io.metrics import CALLS
from engine.rules import hook as rules
from engine.rules.wording import clean
from engine.store import calls, hooks
from engine.store.calls import Call
from engine.store.hooks import Hook
from engine.store.session import Tx

log = structlog.get_logger(__name__)
AT_ONCE = 20  # events posted side by side to one endpoint
LONGEST = 200  # characters of a reason


def call(app: App) -> int:
    """Tell one endpoint what is due for it; returns how many events were posted."""
    real = app.clock.real()
    with app.store.read() as tx:  # so that whoever would find nothing is in no writer's way
        found = calls.ready(tx, real)
    return next((told for number in _in_turn(app, found) if (told := _tell(app, number))), 0)


def _tell(app: App, number: str) -> int:
    hook, taken = app.store.commit(lambda tx: _take(app, tx, number))
    if hook is None or not taken:
        return 0
    answers = post(app, hook, taken)
    app.store.commit(lambda tx: _write(app, tx, hook, answers), patient=True)
    return len(taken)


def _in_turn(app: App, found: Sequence[str]) -> list[str]:
    """Endpoints take turns: the one after the last goes first."""
    last = app.called
    ordered = [number for number in found if number > last] + [number for number in found if number <= last]
    if ordered:
        app.called = ordered[0]
    return ordered


def _take(app: App, tx: Tx, number: str) -> tuple[Hook | None, list[Call]]:
    hook, real = hooks.by_id(tx, number), app.clock.real()
    if hook is None or hook.disabled_at is not None or (hook.rest_until is not None and hook.rest_until > real):
        return None, []
    lease = timedelta(seconds=app.settings.lease_seconds)
    return hook, calls.claim(tx, number, real=real, until=real + lease, limit=1 if hook.failures else AT_ONCE)


def post(app: App, hook: Hook, taken: Sequence[Call]) -> list[tuple[Call, Answer | Failure]]:
    """Post events side by side; each with what came of it."""
    if not isinstance(app.post, SideBySide):
        raise TypeError("this post has nothing to do with endpoints")
    secrets = dict(zip(("signing_secret", "signing_secret_before"), hook.secrets, strict=False))
    under_way = [
        (one, app.post.start(hook.id, request(hook.url, one), secrets)) for one in taken
    ]  # fmt: skip
    return [(one, answer.result()) for one, answer in under_way]


def request(url: str, one: Call) -> HttpRequest:
    """One post. Timestamp and signature are added when it leaves."""
    headers = {"content-type": "application/json", "webhook-id": one.public_id}
    return HttpRequest(url=url, headers=headers, body=one.body, sign="standard_webhooks")


def _write(app: App, tx: Tx, hook: Hook, answers: Sequence[tuple[Call, Answer | Failure]]) -> None:
    real = app.clock.real()
    known = hooks.by_id(tx, hook.id, lock=True)
    if known is None:
        return
    bad = [(one, answer) for one, answer in answers if not _taken(answer)]
    for one, answer in answers:
        if isinstance(answer, Answer) and _taken(answer):
            calls.told(tx, one, answer.code, real)
        else:
            _not_told(app, tx, one, answer, real)
    calls.prune(tx, hook.id, real - rules.KEPT, most=2 * AT_ONCE)
    CALLS.add_all(("told" if _taken(answer) else "not told",) for _, answer in answers)
    if any(_code(answer) == rules.GONE for _, answer in bad):
        hooks.disable(tx, hook.id, "the endpoint said 410 Gone", real)
        log.warning("hook.disabled", hook=hook.id, why="410")
    elif len(bad) < len(answers):
        hooks.well(tx, hook.id, real)
    else:
        _unwell(app, tx, known, bad[0][1], real)


def _not_told(app: App, tx: Tx, one: Call, answer: Answer | Failure, real: datetime) -> None:
    code = _code(answer)
    due = None if code == rules.GONE else rules.again(one.tries, real, _after(answer), app.chance())
    status = "refused" if code == rules.GONE else "given_up"
    calls.not_told(tx, one, due=due, status=status, code=code, reason=_answered(answer), real=real)


def _unwell(app: App, tx: Tx, hook: Hook, answer: Answer | Failure, real: datetime) -> None:
    since = hook.failing_since or real
    rest = rules.rest(hook.failures + 1, real, _after(answer), app.chance())
    hooks.unwell(tx, hook, reason=_reason(answer), rest_until=rest, since=since)
    if real - since >= rules.TOO_LONG:
        hooks.disable(tx, hook.id, f"the endpoint has taken nothing for {rules.TOO_LONG.days} days", real)
        log.warning("hook.disabled", hook=hook.id, why="failing")


def _taken(answer: Answer | Failure) -> bool:
    return isinstance(answer, Answer) and 200 <= answer.code < 300


def _code(answer: Answer | Failure) -> int | None:
    return answer.code if isinstance(answer, Answer) else None


def _reason(answer: Answer | Failure) -> str:
    return f"status {answer.code}" if isinstance(answer, Answer) else f"{answer.stage}: {answer.text}"[:LONGEST]


def _answered(answer: Answer | Failure) -> str:
    """The reason with the beginning of what the endpoint says itself, for whoever has to mend it. It stays with the
    event: alarms, which leave the house, repeat no stranger's words."""
    said = excerpt(answer)
    return f"{_reason(answer)}: {said}" if said else _reason(answer)


def excerpt(answer: Answer | Failure) -> str:
    """The beginning of an answer's text, on one line."""
    text = answer.body[: 4 * LONGEST].decode("utf-8", "ignore") if isinstance(answer, Answer) else ""
    return " ".join(clean(text).split())[:LONGEST]


def _after(answer: Answer | Failure) -> timedelta | None:
    """The pause that `retry-after` asks for: seconds, or a date, counted from the answer's own."""
    told = answer.headers if isinstance(answer, Answer) else {}
    asked = told.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return timedelta(seconds=int(asked[:7]))
    until, now = _date(asked), _date(told.get("date", ""))
    return until - now if until and now else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
