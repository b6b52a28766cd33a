"""The two letters as a baseline writes them: Jinja2 templates of the size of ours, filled from Shopify's own fields."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

FOLDER = Path(__file__).resolve().parent / "letters"
SENDER = "shop@hana.example"
SHOP = "花と器 はなれ"
WEEK = "月火水木金土日"
SUBJECTS = {"confirmed": "ご注文が確定しました", "shipped": "商品を発送しました"}


@dataclass(frozen=True)
class Letter:
    """A letter to one person."""

    to: str
    name: str
    subject: str
    html: str
    text: str


class Writer:
    """Compiles the templates once."""

    def __init__(self) -> None:
        options: dict[str, Any] = {"keep_trailing_newline": True, "trim_blocks": True}
        pages = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, **options)
        texts = Environment(loader=FileSystemLoader(FOLDER), autoescape=False, **options)
        self._html = {kind: pages.get_template(f"{kind}.ja.html.j2") for kind in SUBJECTS}
        self._text = {kind: texts.get_template(f"{kind}.ja.txt.j2") for kind in SUBJECTS}

    def write(self, topic: str, payload: Mapping[str, Any]) -> Letter:
        """What is to be said about this delivery."""
        kind = "confirmed" if topic == "orders/create" else "shipped"
        told = facts(payload)
        return Letter(
            to=payload["email"], name=told["name"], subject=f"{SUBJECTS[kind]} {told['number']}",
            html=self._html[kind].render(told), text=self._text[kind].render(told),
        )  # fmt: skip


def facts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates ask for, of an order or a fulfilment."""
    who = payload.get("shipping_address") or payload["destination"]
    at = datetime.fromisoformat(payload["created_at"])
    return {
        "shop": SHOP, "name": f"{who['last_name']} {who['first_name']}", "place": who["province"] + who["city"],
        "number": payload["name"].partition(".")[0], "items": payload["line_items"],
        "total": f"{int(payload.get('total_price', 0)):,}", "date": f"{at.month}月{at.day}日({WEEK[at.weekday()]})",
        "carrier": payload.get("tracking_company"), "parcel": payload.get("tracking_number"),
        "link": f"http://127.0.0.1:8000/t/{secrets.token_hex(16)}",
    }  # fmt: skip
