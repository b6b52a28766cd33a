"""Payloads written for these tests after the senders' documented shapes; times are moments before now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NAOKO = "naoko@example.com"
TARO = "taro@example.com"


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds")


def packed(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


CUPS = {"id": 71, "title": "湯呑", "name": "湯呑", "sku": "YUNOMI", "quantity": 2, "price": "4400",
        "requires_shipping": True, "fulfillable_quantity": 2}  # fmt: skip


def shop_order(number: int, **more: Any) -> bytes:
    """Shopify orders/paid: two cups for Naoko, sent to Taro."""
    return packed({
        "id": number, "name": f"#{number}", "email": NAOKO, "currency": "JPY", "confirmed": True, "test": False,
        "created_at": ago(60), "processed_at": ago(60), "updated_at": ago(59), "financial_status": "paid",
        "fulfillment_status": None, "total_price": "8800", "current_total_price": "8800", "customer_locale": "ja-JP",
        "customer": {"id": 9, "email": NAOKO, "first_name": "直子", "last_name": "髙橋"},
        "billing_address": {"name": "髙橋 直子", "country_code": "JP"},
        "shipping_address": {"name": "山﨑 太郎", "zip": "980-0001", "province": "宮城県", "country_code": "JP"},
        "line_items": [CUPS], "fulfillments": [], "refunds": [], **more,
    })  # fmt: skip


def shop_parcel(number: int, parcel: int, minutes: float, **more: Any) -> bytes:
    """Shopify fulfillments/create: one of the cups."""
    return packed({
        "id": parcel, "order_id": number, "status": "success", "created_at": ago(minutes), "updated_at": ago(minutes),
        "tracking_company": "ヤマト運輸", "tracking_number": f"4000-0000-{parcel}", "name": f"#{number}.{parcel}",
        "line_items": [{**CUPS, "quantity": 1}], **more,
    })  # fmt: skip


def shop_scan(number: int, parcel: int, status: str, minutes: float) -> bytes:
    """Shopify fulfillment_events/create."""
    return packed({
        "id": parcel * 10 + int(minutes), "order_id": number, "fulfillment_id": parcel, "status": status,
        "happened_at": ago(minutes), "created_at": ago(minutes), "updated_at": ago(minutes),
    })  # fmt: skip


def shop_refund(number: int) -> bytes:
    """Shopify refunds/create: one cup came back, its money has gone back."""
    return packed({
        "id": 5, "order_id": number, "created_at": ago(1), "processed_at": ago(1), "note": None,
        "refund_line_items": [{"line_item_id": 71, "quantity": 1, "restock_type": "return", "line_item": CUPS}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "4400", "currency": "JPY"}],
    })  # fmt: skip


def woo_order(number: int, status: str, *trackings: str) -> bytes:
    """WooCommerce order.updated, with numbers of the Shipment Tracking extension."""
    return packed({
        "id": number, "number": str(number), "status": status, "currency": "JPY", "total": "3300",
        "date_created_gmt": ago(50)[:19], "date_modified_gmt": ago(0 if trackings else 40)[:19],
        "date_paid_gmt": ago(49)[:19], "date_completed_gmt": ago(0)[:19] if status == "completed" else None,
        "billing": {"first_name": "Aiko", "last_name": "Mori", "email": "aiko@example.com", "country": "JP"},
        "shipping": {"first_name": "Aiko", "last_name": "Mori", "country": "JP"},
        "line_items": [{"id": 1, "name": "茶葉", "quantity": 1, "price": 3300, "total": "3300", "total_tax": "0"}],
        "shipment_trackings": [
            {"tracking_id": one, "tracking_number": one, "tracking_provider": "Sagawa", "date_shipped": ago(0)[:10]}
            for one in trackings
        ],
    })  # fmt: skip


def event(kind: str, data: dict[str, Any], minutes: float = 1) -> bytes:
    """A CloudEvent in structured mode."""
    return packed({
        "specversion": "1.0", "id": f"{kind}-{minutes}", "source": "/wms", "type": kind, "time": ago(minutes),
        "data": data,
    })  # fmt: skip
