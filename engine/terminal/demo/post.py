"""One delivery to the intake, as a shop, a warehouse or a carrier would send it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from engine.terminal.demo.purchase import Shop


@dataclass(frozen=True, kw_only=True)
class Post:
    """`at` is business time. `id` is the sender's own name of the delivery, which a repetition keeps.

    `flaw` is what is wrong with it: signed by somebody else, or cut off on its way.
    """

    at: datetime
    source: Shop
    body: bytes
    id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    flaw: Literal["forged", "cut"] | None = None

    @property
    def expected(self) -> tuple[int, ...]:
        """The statuses that the intake should answer: stored, or refused."""
        return (401,) if self.flaw == "forged" else (200, 202)


def as_json(value: Mapping[str, Any]) -> bytes:
    """JSON as most senders write it: UTF-8, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def iso(at: datetime) -> str:
    """Whole seconds and an offset."""
    return at.isoformat(timespec="seconds")
