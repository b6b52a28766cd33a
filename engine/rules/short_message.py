"""Messages for media that take few words: LINE, SMS, push, and what stays inside the company."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from engine.model.message import Content, Medium
from engine.rules.template_code import Program, lookup
from engine.rules.template_filters import Unrenderable

Button = Literal["track", "track_order", "review", "reorder", "redeliver", "returns_page", "confirm"]
BUTTONS: tuple[Button, ...] = get_args(Button)

# Where the one button of a short message leads; while that is unknown, to the tracking page.
LEADS_TO: Mapping[Button, str] = {
    "track": "links.tracking", "track_order": "links.tracking", "review": "merchant.reviews_url",
    "reorder": "merchant.reorder_url", "redeliver": "shipment.redelivery_url", "returns_page": "merchant.returns_url",
    "confirm": "links.confirm",
}  # fmt: skip
# Media whose edition is JSON, by the file that holds it: line.<locale>.json.j2.
JSON_MEDIA: frozenset[Medium] = frozenset({"line", "line_notice", "push", "whatsapp"})
TEXT_MEDIA: frozenset[Medium] = frozenset({"sms", "team", "ticket"})
_SPACES = re.compile(r"[ \t]+\n|\n{3,}")


def short(program: Program, button: Button, medium: Medium, values: dict[str, Any]) -> Content:
    """The content for one of these media. `values` holds the lines of the template (subject, preheader, headline)
    beside its facts. Raises Unrenderable, also for an edition that does not make JSON where it should."""
    address, word = lookup(values, LEADS_TO[button]), button
    if address is None:
        address, word = lookup(values, "links.tracking"), "track_order"
    values = {**values, "button": {"url": address, "label": values["words"][word]}}
    written = program.render(values).strip()
    told = Content(subject=values["subject"], preheader=values["preheader"], locale=values["locale"])
    if medium in JSON_MEDIA:
        return msgspec.structs.replace(told, payload=_json(written, program.name), text=values["headline"])
    return msgspec.structs.replace(told, text=_SPACES.sub("\n", written))


def _json(written: str, name: str) -> Any:
    try:
        return msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError) as wrong:
        raise Unrenderable(f"{name} does not make JSON: {wrong}") from None
