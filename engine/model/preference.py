"""What a person has chosen about being written to, beside what they have agreed to."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from engine.model.message import Medium


class Preference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Empty: nothing was chosen. It can only take messages away, move them, or turn them into another language."""

    locale: Literal["ja", "en"] | None = None
    without: tuple[Medium, ...] = ()  # media that they do not want to be reached by
    quiet: tuple[str, str] | None = None  # local times: ("20:00", "09:00")
    rests_until: datetime | None = None  # aware; nothing optional before


NOTHING_CHOSEN = Preference()
