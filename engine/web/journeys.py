"""Journeys in the console: what there is, whether it is on for this merchant, and its steps in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.routing import BaseRoute

from engine.model.journey import Journey, Send, Wait, WaitFor
from engine.model.spans import written
from engine.store import counts, runs
from engine.web.desk import MISSING, Desk, Page, Visit


@dataclass(frozen=True, kw_only=True)
class Told:
    """A step in words: `word` is a sentence of words.yaml with `slots`; the guards stand beside it as written."""

    id: str
    kind: str
    word: str
    slots: dict[str, str]
    where: str | None
    unless: str | None
    asserts: str | None = None
    superseded_by: tuple[str, ...] = ()


def routes(desk: Desk) -> list[BaseRoute]:
    """The journey pages."""
    return [
        desk.route("/console/journeys", _list),
        desk.route("/console/journeys/{journey}", _one),
    ]


def _list(visit: Visit) -> Page:
    with visit.app.store.read(visit.merchant.id) as tx:
        chosen, active, sent = runs.switches(tx), counts.orders_under_way(tx), counts.messages_by_journey(tx)
    rows = [
        {
            "journey": one,
            "title": getattr(one.title, visit.locale),
            "on": chosen.get(name, one.enabled),
            "active": active.get(name, 0),
            "messages": sent.get(name, 0),
        }
        for name, one in visit.app.journeys.items()
    ]
    return Page("journeys.html.j2", {"rows": rows, "folder": visit.app.settings.journeys.name}, "journeys")


def _one(visit: Visit) -> Page:
    journey = visit.app.journeys.get(visit.request.path_params["journey"])
    if journey is None:
        return MISSING
    with visit.app.store.read(visit.merchant.id) as tx:
        on = runs.switches(tx).get(journey.name, journey.enabled)
        active, sent = counts.orders_under_way(tx), counts.messages_by_journey(tx)
    values: dict[str, Any] = {
        "journey": journey,
        "title": getattr(journey.title, visit.locale),
        "on": on,
        "active": active.get(journey.name, 0),
        "messages": sent.get(journey.name, 0),
        "steps": in_words(journey, visit.locale),
        "max_age": length(journey.max_age, visit.locale),
    }
    return Page("journey.html.j2", values, "journeys")


def in_words(journey: Journey, locale: str) -> list[Told]:
    """The steps of a journey, in order."""
    told = []
    for step in journey.steps:
        match step:
            case Send():
                slots = {"template": step.send, "until": length(step.expires, locale)}
                told.append(
                    Told(
                        id=step.id,
                        kind="send",
                        word=f"does_send_{step.to}",
                        slots=slots,
                        where=step.where,
                        unless=step.unless,
                        asserts=step.asserts,
                        superseded_by=step.superseded_by,
                    )
                )
            case Wait():
                told.append(_wait(step, locale))
            case WaitFor():
                slots = {"event": step.wait_for, "length": length(step.at_most, locale), "then": step.then}
                told.append(
                    Told(
                        id=step.id, kind="wait", word="does_wait_for", slots=slots, where=step.where, unless=step.unless
                    )
                )
    return told


def length(span: timedelta, locale: str) -> str:
    """7日 / 7 days"""
    short = written(span)
    units = {"m": ("分", "minute"), "h": ("時間", "hour"), "d": ("日", "day")}
    ja, en = units[short[-1]]
    return f"{short[:-1]}{ja}" if locale == "ja" else f"{short[:-1]} {en}{'' if short[:-1] == '1' else 's'}"


def _wait(step: Wait, locale: str) -> Told:
    how, slots = "until", {"clock": f"{step.until:%H:%M}" if step.until else ""}
    if step.wait is not None:
        how, slots["length"] = "wait", length(step.wait, locale)
    elif step.business_days is not None:
        how, slots["length"] = "business", str(step.business_days)
    word = f"does_{how}" + ("_until" if step.until and how != "until" else "")
    return Told(id=step.id, kind="wait", word=word, slots=slots, where=step.where, unless=step.unless)
