"""The articles of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, identity, link, quantity, rows, table, text
from connectors.sources.saleor.telling import amount, currency_of
from engine.model.order import Line, Quantity

IMAGE = 256  # pixels: what a list of articles in a mail shows


def lines(order: Mapping[str, Any], never_sent: Mapping[str, Quantity]) -> tuple[Line, ...] | None:
    """The order's lines; None when the payload has none at all. `never_sent` counts the units that were paid back
    instead of being sent, by line."""
    if not isinstance(order.get("lines"), list):
        return None
    currency, fetched = currency_of(order), bool(text(order.get("collection_point_name")))
    fetched = fetched or bool(order.get("collection_point"))
    kind = "net" if order.get("display_gross_prices") is False else "gross"
    found = []
    for place, item in enumerate(rows(order["lines"]), 1):
        # a shop's own query may ask for no id; what a parcel holds is then found by the article's number
        line_id = first(identity(item.get("id")), item.get("product_sku")) or str(place)
        units = quantity(item.get("quantity"))
        found.append(
            Line(
                id=line_id,
                name=first(item.get("translated_product_name"), item.get("product_name")) or line_id,
                quantity=units,
                sku=text(item.get("product_sku")),
                variant=first(item.get("translated_variant_name"), item.get("variant_name")),
                price=amount(item, "unit_price", currency, kind),
                cancelled=min(units, never_sent.get(line_id, 0)),
                ships=not fetched and item.get("is_shipping_required") is not False,
                image_url=_image(item),
            )
        )
    return tuple(found)


def _image(item: Mapping[str, Any]) -> str | None:
    shown = link(table(item.get("thumbnail")).get("url"))
    return shown or next(filter(None, (_of_a_size(item.get(key)) for key in ("variant", "product"))), None)


def _of_a_size(article: object) -> str | None:
    """The picture nearest to the wanted size of {"original": {"60x60": link, ...}}; newer versions write "64"."""
    sizes = table(table(table(article).get("first_image")).get("original"))
    fitting = [(abs(int(width) - IMAGE), link(url)) for size, url in sizes.items() if (width := _width(size))]
    return min((one for one in fitting if one[1]), default=(0, None))[1]


def _width(size: str) -> str | None:
    width = size.partition("x")[0]
    return width if width.isascii() and width.isdigit() and len(width) <= 5 else None
