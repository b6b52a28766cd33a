"""Webhooks of ours in the console: the endpoints of a merchant, how each stands, and what it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from engine.flow.listen import mark
from engine.rules import hook as rules
from engine.store import calls, hooks
from engine.store.hooks import Hook
from engine.web import hook_forms as forms
from engine.web.desk import MISSING, Act, Desk, Handler, Page, Visit, row_number

PAGE = 25
GROUPS: Mapping[str, tuple[str, ...]] = {"waiting": ("waiting", "held"), "told": ("told",), "failed": rules.FAILED}


def routes(desk: Desk) -> list[BaseRoute]:
    """The pages of endpoints, and their forms."""
    one = "/console/hooks/{hook}"
    return [
        desk.route("/console/hooks", every),
        desk.post("/console/hooks", lambda visit, fields: forms.add(visit, fields, again=every)),
        desk.route(one, _of(shown)),
        desk.route(f"{one}/calls/{{call}}", _of(_call)),
        desk.post(f"{one}/calls/{{call}}/again", _on(forms.again)),
        desk.route(f"{one}/replay", _of(forms.replay_asked)),
        desk.post(f"{one}/replay", _on(forms.replay)),
        desk.route(f"{one}/remove", _of(forms.remove_asked)),
        desk.post(f"{one}/remove", _on(forms.remove)),
        desk.post(f"{one}/rotate", _on(forms.rotate)),
        desk.post(f"{one}/enable", _on(forms.enable)),
        desk.post(f"{one}/test", _on(lambda visit, hook, _: shown(visit, hook, tried=forms.try_now(visit, hook)))),
    ]


def _of(show: Callable[[Visit, Hook], Page | Response]) -> Handler:
    """A page of an endpoint of the visitor's."""

    def showing(visit: Visit) -> Page | Response:
        found = _mine(visit)
        return MISSING if found is None else show(visit, found)

    return showing


def _on(act: forms.Acting) -> Act:
    """What a form does to an endpoint of the visitor's."""
    return lambda visit, fields: MISSING if (found := _mine(visit)) is None else act(visit, found, fields)


def _mine(visit: Visit) -> Hook | None:
    with visit.app.store.read() as tx:
        found = hooks.by_id(tx, visit.request.path_params["hook"])
    return found if found is not None and _seen(visit, found) else None


def _seen(visit: Visit, one: Hook) -> bool:
    """The merchant's own, and for the operator those that hear of every merchant."""
    return one.merchant == visit.merchant.id or (one.merchant is None and visit.operator)


def every(visit: Visit, *, wrong: Any = None, given: Any = None) -> Page:
    """The endpoints, and the form that adds one; `wrong` says what was wrong with what was `given`."""
    with visit.app.store.read() as tx:
        mine = [one for one in hooks.every(tx) if _seen(visit, one)]
        counted = calls.counts(tx)
    values = {
        "rows": [(one, _state(one), _grouped(counted.get(one.id, {}))) for one in mine],
        "addable": forms.may_add(visit),
        "families": forms.FAMILIES,
        "types": rules.TYPES,
        "wrong": wrong,
        "given": given or {},
        "removed": visit.asked("removed") is not None,
    }
    return Page("hooks.html.j2", values, "hooks", status=422 if wrong else 200)


def shown(visit: Visit, one: Hook, *, tried: forms.Tried | None = None) -> Page:
    """One endpoint with its newest events; `tried` is what it has just answered to a test."""
    wanted = visit.asked("status")
    group = wanted if wanted in GROUPS else None
    with visit.app.store.read() as tx:
        rows = calls.of(
            tx, one.id, PAGE + 1, statuses=GROUPS.get(group or "", ()), before=row_number(visit.asked("before"))
        )
        counted = calls.counts(tx, one.id).get(one.id, {})
    values = {
        "one": one,
        "state": _state(one),
        "mark": mark(one),
        "counts": _grouped(counted),
        "before": visit.asked("before") is not None,
        "rows": rows[:PAGE],
        "group": group,
        "more": visit.address(before=rows[PAGE - 1].id) if len(rows) > PAGE else None,
        "tried": tried,
        "enabled": visit.counted("enabled"),
        "again": visit.counted("again"),
    }
    return Page("hook.html.j2", values, "hooks")


def _call(visit: Visit, one: Hook) -> Page:
    with visit.app.store.read() as tx:
        found = calls.one(tx, one.id, visit.request.path_params["call"])
    if found is None:
        return MISSING
    values = {
        "one": one,
        "call": found,
        "body": msgspec.json.format(found.body, indent=2).decode(),
        "order": found.subject_id if found.merchant_id == visit.merchant.id else None,
        "ended": found.due_at is None and found.status != "held",
        "again": visit.asked("again") is not None,
    }
    return Page("hook_call.html.j2", values, "hooks")


def _grouped(counted: Mapping[str, int]) -> dict[str, int]:
    return {group: sum(counted.get(name, 0) for name in names) for group, names in GROUPS.items()}


def _state(one: Hook) -> str:
    return "new" if one.state == "ok" and one.ok_at is None else one.state
