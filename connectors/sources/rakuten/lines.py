"""Articles of an order's packages -> lines, and what is in a package."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.parts.values.loose import first, identity, quantity, text
from connectors.sources.rakuten.words import MAP, Record, inner, models, price
from engine.model.order import Line
from engine.model.shipment import Packed

PLAIN = "normal-inventory"  # the SKU of an article without variants


def lines(order: Record) -> tuple[Line, ...] | None:
    """What was ordered, over all packages; None when the payload holds no package."""
    travels = text(inner(order, "DeliveryModel").get("deliveryName")) not in MAP["no_parcel"]
    found = [_line(name, item, travels=travels) for package in packages(order) for name, item in named_items(package)]
    return tuple(found) or None


def packages(order: Record) -> list[Record]:
    """The addresses that the order goes to, without those that were deleted."""
    return [one for one in models(order, "PackageModelList") if text(one.get("packageDeleteFlag")) != "1"]


def named_items(package: Record) -> Iterator[tuple[str, Record]]:
    """The articles of a package with the ids of their lines."""
    for place, item in enumerate(models(package, "ItemModelList"), 1):
        if quantity(item.get("units")):
            basket = identity(package.get("basketId")) or "0"
            yield identity(item.get("itemDetailId")) or f"{basket}-{place}", item


def contents(package: Record) -> tuple[Packed, ...] | None:
    """The articles of a package, as far as they are still wanted."""
    packed = tuple(
        Packed(quantity=quantity(item.get("units")), line_id=name, sku=_sku(item), name=text(item.get("itemName")))
        for name, item in named_items(package)
        if not _deleted(item)
    )
    return packed or None


def _line(name: str, item: Record, *, travels: bool) -> Line:
    units = quantity(item.get("units"))
    without_tax = text(item.get("includeTaxFlag")) == "0"
    return Line(
        id=name,
        name=first(item.get("itemName"), _sku(item)) or name,
        quantity=units,
        sku=_sku(item),
        variant=first(_variant(item), item.get("selectedChoice")),
        price=(price(item.get("priceTaxIncl")) if without_tax else None) or price(item.get("price")),
        cancelled=units if _deleted(item) else 0,
        ships=travels,
    )


def _deleted(item: Record) -> bool:
    return text(item.get("deleteItemFlag")) == "1"


def _sku(item: Record) -> str | None:
    sku = inner(item, "SkuModelList")
    variant = text(sku.get("variantId"))
    own = variant if variant != PLAIN else None
    return first(sku.get("merchantDefinedSkuId"), item.get("itemNumber"), own, item.get("manageNumber"))


def _variant(item: Record) -> str | None:
    told = text(inner(item, "SkuModelList").get("skuInfo"))
    return " / ".join(part.strip() for part in told.splitlines() if part.strip()) if told else None
