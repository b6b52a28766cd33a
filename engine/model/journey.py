"""A journey: what starts it, what ends it early, and its steps; read from a file of journeys/.

Every scalar of the file arrives as text and gets its type here. A journey round-trips through
`canonical()` and `Journey.model_validate_json`, so a run can pin the digest of the text it began with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from engine.model.consent import Purpose
from engine.model.event import EVENT_TYPES, EventType
from engine.model.message import Medium
from engine.model.spans import Clock, Span

MAX_STEPS = 200
END = "end"  # where a wait_for may lead instead of a later step
NAME = r"^[a-z][a-z0-9_]{0,62}$"

OncePer = Literal["order", "shipment", "return", "event"]
Name = Annotated[str, Field(pattern=NAME)]
Guard = Annotated[str, Field(min_length=1, max_length=1_024)]


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _truth(value: Any) -> Any:
    if value not in ("true", "false", True, False):
        raise ValueError(f"{value!r} is neither true nor false")
    return value in ("true", True)


def _schema(one: Mapping[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})


Truth = Annotated[bool, BeforeValidator(_truth)]
Events = Annotated[tuple[EventType, ...], Field(max_length=40)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(_Part):
    ja: str = Field(min_length=1, max_length=80)
    en: str = Field(min_length=1, max_length=80)


class Trigger(_Part):
    event: Annotated[
        tuple[EventType, ...],
        BeforeValidator(_several),
        Field(min_length=1, max_length=40, description="The event, or a list of events, that starts a run."),
        _schema({"type": "string", "enum": list(EVENT_TYPES)}),
    ]
    where: Guard | None = Field(None, description="Starts only if this holds when the event is heard of.")


class _Step(_Part):
    id: Name = Field(description="Stable name: a message is unique by journey, subject and step.")
    where: Guard | None = Field(None, description="The step counts only if this holds.")
    unless: Guard | None = Field(None, description="The step is left out if this holds.")


class Send(_Step):
    """A message. Its guards are asked at the moment of sending, not when it is planned."""

    send: Name = Field(description="The template.")
    via: Annotated[tuple[Medium, ...], Field(min_length=1, max_length=9)] = Field(
        ("email",), description="The media to try, best first."
    )
    deliver_within: Span | None = Field(
        None, description="Where the medium tells what has arrived: silence for so long, and the next one is tried."
    )
    to: Literal["orderer", "recipient"] = Field("orderer", description="Who gets it.")
    asserts: EventType | None = Field(None, description="What the message says is so.")
    superseded_by: Events = Field(
        (), description="Later events of the same order, parcel or return that make the message silly."
    )
    expires: Span = Field(timedelta(days=3), description="How long after it was due it still makes sense.")
    on_unknown: Literal["park", "retry_once"] = Field(
        "park", description="If nobody knows whether it left and the channel has no key: keep it, or send it once more."
    )


class Wait(_Step):
    """A pause; the message after it is planned at once, due at the end of the pause."""

    wait: Span | None = Field(None, description="How long: 90m, 12h, 7d.")
    business_days: int | None = Field(None, ge=1, le=60, description="Instead of wait: so many business days.")
    until: Clock | None = Field(None, description="Then the next such time of the day where the customer lives.")


class WaitFor(_Step):
    """A pause until something happens. Came in time: `then`. Silence: the next step."""

    wait_for: EventType = Field(description="The event to wait for.")
    at_most: Span = Field(description="How long to wait for it.")
    then: str = Field(END, description="end, or the id of a later step.")


VERBS: Mapping[str, type[Send] | type[Wait] | type[WaitFor]] = {
    "send": Send,
    "wait": Wait,
    "business_days": Wait,
    "wait_for": WaitFor,
}


def verb(step: Any) -> str | None:
    """Return the one verb that a step's keys hold, or None when there is none or more than one."""
    if isinstance(step, Send | Wait | WaitFor):
        return type(step).__name__
    kinds = [kind.__name__ for name, kind in VERBS.items() if isinstance(step, Mapping) and step.get(name) is not None]
    return kinds[0] if len(kinds) == 1 else None


AnyStep = Annotated[
    Annotated[Send, Tag("Send")] | Annotated[Wait, Tag("Wait")] | Annotated[WaitFor, Tag("WaitFor")],
    Discriminator(verb, custom_error_type="verb", custom_error_message="a step has exactly one verb"),
]


class Journey(_Part):
    """What messages one kind of happening leads to."""

    name: Name = Field(description="The file's name without .yaml.")
    title: Title
    purpose: Purpose = Field(description="Decides consent, quiet hours, one-click unsubscribe and caps.")
    enabled: Truth = Field(True, description="For a merchant who has not chosen.")
    trigger: Trigger
    once_per: OncePer = Field(description="What has at most one run.")
    max_age: Span = Field(timedelta(days=1), description="An older trigger event never starts a run.")
    exit_on: Events = Field((), description="Events that end the run and cancel what has not left.")
    steps: tuple[AnyStep, ...] = Field(min_length=1, max_length=MAX_STEPS)

    def canonical(self) -> str:
        """Return the journey as JSON, the same text for the same meaning: 24h is 1d, defaults stand."""
        plain = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `canonical()`, in hex."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @cached_property
    def awaited(self) -> frozenset[EventType]:
        """The events that end a run, that it waits for, or that outdate its messages."""
        waits = {step.wait_for for step in self.steps if isinstance(step, WaitFor)}
        outdating = {kind for step in self.steps if isinstance(step, Send) for kind in step.superseded_by}
        return frozenset({*self.exit_on, *waits, *outdating})

    def position(self, step_id: str) -> int | None:
        """Where the step of that id stands, counted from 0."""
        return next((place for place, step in enumerate(self.steps) if step.id == step_id), None)


def journey_schema() -> dict[str, Any]:
    """JSON Schema of a journey file, for completion in editors; kept as journeys/schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Journey.model_json_schema(mode="validation"),
    }
