"""The articles of an order. Shipping, fees, discounts and points stand beside them as items of other kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.parts.values.loose import first, identity, number, plain, quantity, rows, table, text
from connectors.sources.eccube.words import CURRENCY, MAP, amount, reference
from engine.model.order import Line, Money

TAX_INCLUDED = "2"  # mtb_tax_display_type: 1 税抜, 2 税込
IMAGES = "html/upload/save_image"  # eccube_save_image_urlpath, as EC-CUBE is delivered


def lines(order: Mapping[str, Any], shop: str | None) -> tuple[Line, ...] | None:
    """The order's articles; None when the payload has no items at all."""
    return articles(order, shop) if isinstance(order.get("OrderItems"), list) else None


def articles(order: Mapping[str, Any], shop: str | None = None) -> tuple[Line, ...]:
    """One line per article and parcel; `shop` is the address of the shop, for pages and pictures."""
    return tuple(
        Line(
            id=line_id,
            name=text(item.get("product_name")) or line_id,
            quantity=quantity(item.get("quantity")),
            sku=text(item.get("product_code")),
            variant=_variant(item),
            price=_price(item, order),
            image_url=_picture(item, shop),
            url=_page(item, shop),
        )
        for item in rows(order.get("OrderItems"))
        if is_article(item) and (line_id := identity(item.get("id")))
    )


def is_article(item: Mapping[str, Any]) -> bool:
    """An item without a kind is one; a kind that we do not know is none, for it may be a fee."""
    number, name = reference(item.get("OrderItemType"))
    if number is None and name is None:
        return True
    return MAP["kinds"].get(number or "", {}).get("status") == "article" or (number is None and name == "商品")


def _variant(item: Mapping[str, Any]) -> str | None:
    names = [text(item.get(key)) for key in ("class_category_name1", "class_category_name2")]
    return " / ".join(name for name in names if name) or None


def _price(item: Mapping[str, Any], order: Mapping[str, Any]) -> Money | None:
    """Of one unit with tax, as Japanese shops must show it; `tax` is that of one unit."""
    currency = first(item.get("currency_code"), order.get("currency_code"), CURRENCY)
    price, tax = number(item.get("price")), number(item.get("tax"))
    if price is None:
        return None
    included = reference(item.get("TaxDisplayType"))[0] == TAX_INCLUDED
    return amount(plain(price if included or tax is None else price + tax), currency)


def _picture(item: Mapping[str, Any], shop: str | None) -> str | None:
    pictures: Sequence[Mapping[str, Any]] = rows(table(item.get("Product")).get("ProductImage"))
    ranked = sorted(pictures, key=lambda picture: number(picture.get("sort_no")) or 0)
    names = [name for picture in ranked if (name := text(picture.get("file_name")))]
    return f"{shop.rstrip('/')}/{IMAGES}/{quote(names[0])}" if shop and names else None


def _page(item: Mapping[str, Any], shop: str | None) -> str | None:
    product = identity(table(item.get("Product")).get("id"))
    return f"{shop.rstrip('/')}/products/detail/{quote(product, safe='')}" if shop and product else None
