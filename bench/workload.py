"""The work: recorded Shopify deliveries. Every order brings two messages, its confirmation and its dispatch.

Bodies have the size of real ones (about 5 kB an order): most of their fields are read by nobody, but parsed by all.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

SHOP = "hana-bench.myshopify.com"
SECRET = "-".join(("bench", "signing", "secret"))
FAMILIES = ("髙橋", "佐藤", "鈴木", "渡邉", "伊藤", "山本", "中村", "小林", "加藤", "吉田")
GIVEN = ("直子", "花子", "太郎", "美咲", "健一", "陽菜", "大輔")
CITIES = (
    ("東京都", "世田谷区", "154-0001", "JP-13"), ("大阪府", "吹田市", "564-0001", "JP-27"),
    ("北海道", "札幌市中央区", "060-0001", "JP-01"),
)  # fmt: skip
GOODS = (
    ("波佐見焼 マグカップ", "藍 / 300ml", 2750), ("美濃焼 湯呑", "白磁", 1980), ("常滑焼 急須", "黒 / 300ml", 6600),
    ("益子焼 飯碗", "糠白", 3300), ("深蒸し煎茶 八女", "100g 平袋", 1296), ("季節の花束", "秋 / 中", 4950),
)  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    """One delivery as the shop posts it; `headers` carry its id and signature."""

    headers: dict[str, str]
    body: bytes


def orders(count: int, now: datetime, first: int = 1) -> Iterator[Recorded]:
    """orders/create of `count` paid orders, placed ten minutes before `now`."""
    at = now - timedelta(minutes=10)
    return (_recorded("orders/create", number, _order(number, at)) for number in range(first, first + count))


def shipments(count: int, now: datetime, first: int = 1) -> Iterator[Recorded]:
    """fulfillments/create of the same orders, a minute before `now`."""
    at = now - timedelta(minutes=1)
    numbers = range(first, first + count)
    return (_recorded("fulfillments/create", number, _fulfillment(number, at)) for number in numbers)


Make = Callable[[int, datetime, int], Iterator[Recorded]]


def plan(count: int, warm: int) -> tuple[tuple[Make, int, int], ...]:
    """(maker, how many, first number): a few orders and their shipments to warm up, then the work itself."""
    return (orders, warm, 1), (shipments, warm, 1), (orders, count, warm + 1), (shipments, count, warm + 1)


def write(path: Path, deliveries: Iterable[Recorded]) -> None:
    """The file that `todoke ingest` reads: JSON lines of headers and body."""
    with path.open("w", encoding="utf-8") as lines:
        for one in deliveries:
            head = json.dumps(one.headers)
            lines.write('{"headers": ' + head + ', "body": ' + one.body.decode() + "}\n")


def read(path: Path) -> list[Recorded]:
    """The deliveries of such a file, byte by byte as they were signed."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        head, _, body = line.partition('}, "body": ')
        found.append(Recorded(headers=json.loads(head.removeprefix('{"headers": ') + "}"), body=body[:-1].encode()))
    return found


def _recorded(topic: str, number: int, payload: dict[str, Any]) -> Recorded:
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Recorded(headers={**named(topic, f"{topic.replace('/', '-')}-{number}"), **signed(body)}, body=body)


def named(topic: str, name: str) -> dict[str, str]:
    """The headers that say what a delivery is."""
    return {
        "content-type": "application/json", "x-shopify-topic": topic, "x-shopify-shop-domain": SHOP,
        "x-shopify-api-version": "2026-10", "x-shopify-webhook-id": name,
    }  # fmt: skip


def signed(body: bytes) -> dict[str, str]:
    """The signature header of a body."""
    return {"x-shopify-hmac-sha256": b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()}


def _order(number: int, at: datetime) -> dict[str, Any]:
    basket, person, when = _basket(number), _person(number), at.isoformat()
    total = str(sum(int(line["price"]) * line["quantity"] for line in basket))
    email = f"customer{number}@example.jp"
    sums = {"shop_money": {"amount": total, "currency_code": "JPY"}}
    sums["presentment_money"] = sums["shop_money"]
    return {
        "id": 5_800_000_000 + number, "admin_graphql_api_id": f"gid://shopify/Order/{5_800_000_000 + number}",
        "app_id": 580111, "browser_ip": "203.0.113.7", "buyer_accepts_marketing": False, "cancelled_at": None,
        "cancel_reason": None, "cart_token": f"c1-{number:032x}", "checkout_id": 900_000 + number,
        "checkout_token": f"{number:032x}", "client_details": {"accept_language": "ja-JP", "browser_height": 844,
        "browser_ip": "203.0.113.7", "browser_width": 390, "session_hash": None, "user_agent": "Mozilla/5.0 (iPhone)"},
        "closed_at": None, "confirmation_number": f"K{number:08}", "confirmed": True, "contact_email": email,
        "created_at": when, "currency": "JPY", "current_subtotal_price": total, "current_subtotal_price_set": sums,
        "current_total_price": total, "current_total_price_set": sums, "current_total_discounts": "0",
        "customer_locale": "ja-JP", "discount_codes": [], "email": email, "estimated_taxes": False,
        "financial_status": "paid", "fulfillment_status": None, "landing_site": "/products/mug?utm_source=mail",
        "name": f"#{10_000 + number}", "note": None, "note_attributes": [{"name": "delivery_time", "value": "14-16"}],
        "number": number, "order_number": 10_000 + number, "payment_gateway_names": ["shopify_payments"],
        "phone": None, "presentment_currency": "JPY", "processed_at": when, "referring_site": "https://www.example.jp/",
        "source_name": "web", "subtotal_price": total, "subtotal_price_set": sums, "tags": "", "tax_lines": [],
        "taxes_included": True, "test": False, "token": f"{number:032x}", "total_discounts": "0",
        "total_line_items_price": total, "total_price": total, "total_price_set": sums, "total_tax": "0",
        "total_weight": 1200, "updated_at": when, "user_id": None, "billing_address": person,
        "customer": {"id": 7_000_000 + number, "email": email, "first_name": person["first_name"],
        "last_name": person["last_name"], "state": "enabled", "tags": "", "currency": "JPY", "default_address": person,
        "email_marketing_consent": {"state": "not_subscribed", "opt_in_level": "single_opt_in"}},
        "fulfillments": [], "line_items": basket, "refunds": [], "shipping_address": person,
        "shipping_lines": [{"id": 800_000 + number, "code": "宅配便", "title": "宅配便", "price": "0"}],
    }  # fmt: skip


def _fulfillment(number: int, at: datetime) -> dict[str, Any]:
    parcel = f"{400_000_000_000 + number * 7}"
    link = f"https://member.kms.kuronekoyamato.co.jp/parcel/detail?pno={parcel}"
    return {
        "id": 4_200_000_000 + number, "admin_graphql_api_id": f"gid://shopify/Fulfillment/{4_200_000_000 + number}",
        "created_at": at.isoformat(), "updated_at": at.isoformat(), "order_id": 5_800_000_000 + number,
        "name": f"#{10_000 + number}.1", "status": "success", "service": "manual", "shipment_status": None,
        "location_id": 655_441_491, "origin_address": None, "receipt": {}, "email": f"customer{number}@example.jp",
        "tracking_company": "ヤマト運輸", "tracking_number": parcel, "tracking_numbers": [parcel],
        "tracking_url": link, "tracking_urls": [link], "destination": _person(number), "line_items": _basket(number),
    }  # fmt: skip


def _basket(number: int) -> list[dict[str, Any]]:
    chosen = [GOODS[(number + step) % len(GOODS)] for step in range(3)]
    return [
        {
            "id": (5_800_000_000 + number) * 10 + place, "title": title, "name": f"{title} - {variant}",
            "variant_title": variant, "sku": f"SKU-{number % 90:03}-{place}", "quantity": 1 + (number + place) % 2,
            "price": str(price), "requires_shipping": True, "gift_card": False, "vendor": "花と器 はなれ",
            "product_id": 632_910 + place, "variant_id": 808_950 + place, "grams": 400, "taxable": True,
            "fulfillable_quantity": 1, "fulfillment_service": "manual", "fulfillment_status": None, "properties": [],
            "total_discount": "0", "tax_lines": [{"price": "0", "rate": 0.1, "title": "消費税"}],
        }
        for place, (title, variant, price) in enumerate(chosen)
    ]  # fmt: skip


def _person(number: int) -> dict[str, Any]:
    family, given = FAMILIES[number % len(FAMILIES)], GIVEN[number % len(GIVEN)]
    province, city, postal, code = CITIES[number % len(CITIES)]
    return {
        "first_name": given, "last_name": family, "name": f"{given} {family}", "zip": postal, "country": "Japan",
        "country_code": "JP", "province": province, "province_code": code, "city": city, "company": None,
        "address1": f"架空町{number % 9 + 1}-{number % 30 + 1}", "address2": "架空ハイツ101", "phone": "+81312340000",
        "latitude": None, "longitude": None,
    }  # fmt: skip
