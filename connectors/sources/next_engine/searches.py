"""The two searches of Next Engine: for slips, and for their rows.

https://developer.next-engine.com/api/api_v1_receiveorder_base/search: conditions are "<field>-<operator>", several of
them must all hold; `in` takes up to a thousand values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.parts.values.loose import number, rows
from connectors.sources.next_engine.asked import post
from engine.contracts import Asking, Conversation

LIMIT = 200  # slips a page; their answer stays well below a megabyte
SLIPS, LINES = "api_v1_receiveorder_base/search", "api_v1_receiveorder_row/search"


def search(
    asking: Asking, path: str, fields: Iterable[str], conditions: Mapping[str, str], **more: Any
) -> Conversation[list[Mapping[str, Any]]]:
    """The records of one page. Raises Unanswered."""
    found, _ = yield from counted(asking, path, fields, conditions, **more)
    return found


def counted(
    asking: Asking,
    path: str,
    fields: Iterable[str],
    conditions: Mapping[str, str],
    *,
    sort: str | None = None,
    offset: int = 0,
    limit: int = LIMIT,
) -> Conversation[tuple[list[Mapping[str, Any]], int]]:
    """The records of one page, and `count` as the answer has it. Raises Unanswered."""
    asked = {"fields": ",".join(fields), **conditions, "offset": str(offset), "limit": str(limit)}
    reply = yield from post(asking, path, {**asked, "sort": sort} if sort else asked)
    data = reply.get("data")
    found = rows(list(data.values()) if isinstance(data, dict) else data)
    return found, int(number(reply.get("count")) or 0)
