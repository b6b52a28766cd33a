"""What is wrong with a journey that has the right shape: names that lead nowhere, promises it cannot keep."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from engine.model.consent import OPTIONAL, Purpose
from engine.model.journey import END, Journey, Send, Wait, WaitFor
from engine.model.message import Medium
from engine.rules.expression import dotted, paths, unknown
from engine.rules.journey_shape import Complaint, Path
from engine.rules.spelling import meant
from engine.rules.template_guard import TemplateRefused

# From what everybody who bought must get to what only those get who asked for it (channels.md §10).
STRICTNESS: Mapping[Purpose, int] = {"transactional": 0, "adjacent": 1, "service": 2, "promotional": 3}

# Media whose operators forbid what a customer could refuse; LINE switches off accounts that advertise in notices.
ONLY_FOR: Mapping[Medium, frozenset[Purpose]] = {"line_notice": frozenset({"transactional"})}

# Guards of a run can ask about one parcel or return only where every trigger names one.
_NAMED_BY = {"shipment": "shipment.", "return_": "return."}


def check_journey(
    journey: Journey, templates: Collection[str], purposes: Mapping[str, Purpose] | None = None
) -> list[Complaint]:
    """Return every complaint. `templates` are the names there are; `purposes` says what the templates are
    for, so that an offer cannot ride in a notice; a template it does not name is not asked about."""
    return [
        *_trigger(journey),
        *_steps(journey),
        *_templates(journey, templates, purposes or {}),
        *_guards(journey),
    ]


def _trigger(journey: Journey) -> Iterator[Complaint]:
    events = journey.trigger.event
    for event in events:
        at = ("trigger", "event")
        if event in journey.exit_on:
            yield Complaint(("exit_on",), f"{event!r} both starts and ends the journey", "take it out of one")
        if event.startswith("message."):
            yield Complaint(
                at,
                f"{event!r} cannot start a journey",
                "messages that cause messages never end; use wait_for",
            )
        if journey.once_per in ("shipment", "return") and not event.startswith(f"{journey.once_per}."):
            yield Complaint(
                ("once_per",), f"{event!r} names no {journey.once_per}", "expected once_per: order or event"
            )


def _steps(journey: Journey) -> Iterator[Complaint]:
    seen: set[str] = set()
    sends = False
    for place, step in enumerate(journey.steps):
        at: Path = ("steps", place)
        if step.id in seen or step.id == END:
            yield Complaint((*at, "id"), f"the id {step.id!r} is taken", "every step has an id of its own")
        seen.add(step.id)
        sends = sends or isinstance(step, Send)
        if isinstance(step, Wait) and place == len(journey.steps) - 1:
            yield Complaint(at, "nothing follows this wait", "add a step after it, or leave it out")
        if isinstance(step, WaitFor):
            yield from _wait_for(journey, place, step, sends=sends)
        if isinstance(step, Send) and step.on_unknown == "retry_once" and journey.purpose in OPTIONAL:
            what = f"on_unknown: retry_once could send a {journey.purpose} message twice"
            yield Complaint((*at, "on_unknown"), what, "only what must arrive is worth a second one; use park")
        if isinstance(step, Send):
            yield from _via(journey, at, step)


def _via(journey: Journey, at: Path, step: Send) -> Iterator[Complaint]:
    for medium in step.via:
        if journey.purpose not in ONLY_FOR.get(medium, {journey.purpose}):
            what = f"{medium} must not carry {journey.purpose} messages"
            yield Complaint((*at, "via"), what, f"allowed: {', '.join(sorted(ONLY_FOR[medium]))}; take it out of via")
    if len(set(step.via)) < len(step.via):
        yield Complaint((*at, "via"), "a medium stands there twice", "each is tried once")
    if step.deliver_within and len(step.via) < 2:
        what = "deliver_within leads nowhere"
        yield Complaint((*at, "deliver_within"), what, "name a second medium in via, or leave it out")


def _wait_for(journey: Journey, place: int, step: WaitFor, *, sends: bool) -> Iterator[Complaint]:
    at: Path = ("steps", place)
    if step.wait_for.startswith("message.") and not sends:
        yield Complaint((*at, "wait_for"), f"{step.wait_for!r} cannot come", "no step before this one sends a message")
    if step.wait_for in journey.exit_on:
        yield Complaint((*at, "wait_for"), f"{step.wait_for!r} ends the journey before", "take it out of exit_on")
    if step.then == END:
        return
    later = [following.id for following in journey.steps[place + 1 :]]
    if step.then not in later:
        back = any(other.id == step.then for other in journey.steps)
        what = f"then: {step.then!r} leads {'back' if back else 'nowhere'}"
        hint = "expected the id of a later step, or end" if back else meant(step.then, [*later, END])
        yield Complaint((*at, "then"), what, hint)


def _templates(journey: Journey, templates: Collection[str], purposes: Mapping[str, Purpose]) -> Iterator[Complaint]:
    for place, step in enumerate(journey.steps):
        if not isinstance(step, Send):
            continue
        at = ("steps", place, "send")
        if step.send not in templates:
            yield Complaint(at, f"no template {step.send!r}", meant(step.send, templates))
            continue
        purpose = purposes.get(step.send, journey.purpose)
        if STRICTNESS[purpose] > STRICTNESS[journey.purpose]:
            what = f"the template {step.send!r} is {purpose}, the journey only {journey.purpose}"
            yield Complaint(at, what, f"set purpose: {purpose}, or use another template")


def _guards(journey: Journey) -> Iterator[Complaint]:
    asked: list[tuple[Path, str | None]] = [(("trigger", "where"), journey.trigger.where)]
    for place, step in enumerate(journey.steps):
        asked += [(("steps", place, "where"), step.where), (("steps", place, "unless"), step.unless)]
    for at, source in asked:
        if source is not None:
            yield from _guard(journey, at, source)


def _guard(journey: Journey, at: Path, source: str) -> Iterator[Complaint]:
    word = at[-1]
    try:
        named = paths(source)
    except TemplateRefused as refused:
        yield Complaint(at, f"{word}: {str(refused).removeprefix('guard, ').removeprefix('guard: ')}")
        return
    for path in named:
        if problem := unknown(path):
            what, _, hint = problem.partition("; ")
            yield Complaint(at, f"{word}: {what}", hint)
        elif (prefix := _NAMED_BY.get(path[0])) and not _names_one(journey, prefix):
            hint = f"only where every trigger begins with {prefix} and once_per is not order"
            yield Complaint(at, f"{word}: {dotted(path)} says nothing in a journey about the order", hint)


def _names_one(journey: Journey, prefix: str) -> bool:
    return journey.once_per != "order" and all(event.startswith(prefix) for event in journey.trigger.event)
