"""Medusa's statuses, times and ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.values.loose import rows, table, text
from connectors.parts.values.times import moment

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.word_by_section(MAP)
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def when(source: Mapping[str, Any], name: str) -> datetime | None:
    """The moment under `name`; Medusa writes UTC with its Z, and without one it is UTC too."""
    return moment(source.get(name), "UTC")


def known_id(value: object) -> str | None:
    """An id that may stand in an address; None for anything else."""
    found = text(value)
    return found if found and ID.fullmatch(found) else None


def payments(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every payment of the order."""
    return [one for group in rows(order.get("payment_collections")) for one in rows(group.get("payments"))]


def refunds(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every refund of every payment."""
    return [back for one in payments(order) for back in rows(one.get("refunds"))]


def version(order: Mapping[str, Any]) -> datetime | None:
    """When anything in the snapshot last changed. A captured payment does not touch the order's own updated_at."""
    groups = rows(order.get("payment_collections"))
    parts = [*rows(order.get("fulfillments")), *rows(order.get("returns"))]
    return _newest([order, *groups, *payments(order), *refunds(order), *parts])


def paid_version(order: Mapping[str, Any]) -> datetime | None:
    """When the order itself or its payments last changed."""
    return _newest([order, *rows(order.get("payment_collections")), *payments(order), *refunds(order)])


def _newest(records: Iterable[Mapping[str, Any]]) -> datetime | None:
    times = [at for one in records for name in ("updated_at", "created_at") if (at := when(table(one), name))]
    return max(times, default=None)
