"""Status codes as trading partners agree on them: the connection's settings first, then the source's own table.

A setting `code.<partner>.<code>`, or `code.<code>` for every partner, holds one of our statuses, with a reason behind
a slash where there is one ("delivery_failed/consignee_not_home"), or "ignored". What is said of a code with its reason
(`<code>-<reason>`) outweighs what is said of the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from engine.model.shipment import Status

IGNORED = "ignored"
SETTING = "code."
PATTERN: Mapping[str, Mapping[str, Any]] = {
    r"^code\..+$": {
        "type": "string",
        "pattern": rf"^({'|'.join((*get_args(Status), IGNORED))})(/[a-z_]+)?$",
        "title": "What a partner's status code means: code.<partner>.<code>=<status>, or code.<code>=<status>",
        "title_ja": "取引先の状況コードの意味（code.<取引先>.<コード>=<状況> または code.<コード>=<状況>）",
    },
}


def agreed(config: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """The settings of a connection as a table, by what follows `code.`, without case."""
    table = {}
    for name, value in config.items():
        if name.lower().startswith(SETTING):
            status, _, reason = value.strip().lower().partition("/")
            table[name[len(SETTING) :].lower()] = {"status": status} | ({"reason": reason} if reason else {})
    return table


def meaning(
    table: Mapping[str, Mapping[str, str]], partners: Iterable[str], code: str, reasons: Iterable[str] = ()
) -> Mapping[str, str] | None:
    """What was agreed on for a code; None when nothing was."""
    codes = [*(f"{code}-{reason}" for reason in reasons if reason), code]
    names = [*(f"{partner}.{one}" for partner in partners if partner for one in codes), *codes]
    return next((table[name] for name in map(str.lower, names) if name in table), None)
