"""The question that is put to EC-CUBE's Web API, and what its answer says of the question.

https://github.com/EC-CUBE/eccube-api4: the fields are those of the entities in EC-CUBE, as far as the plugin's list of
allowed fields goes (Resource/config/services.yaml). Versions and shops differ in that list: a field that the API does
not know is left out of the next question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import rows, text

Fields = Mapping[str, tuple[str, ...]]

# type -> its fields; "Pref:Pref" is the field Pref of the type Pref.
FIELDS: Fields = {
    "Order": (
        "id", "order_no", "name01", "name02", "company_name", "email", "phone_number", "postal_code", "addr01",
        "addr02", "total", "payment_total", "payment_method", "create_date", "update_date", "order_date",
        "payment_date", "currency_code", "OrderStatus:OrderStatus", "Customer:Customer", "Country:Country", "Pref:Pref",
        "OrderItems:OrderItem", "Shippings:Shipping", "MailHistories:MailHistory",
    ),
    "OrderItem": (
        "id", "product_name", "product_code", "class_category_name1", "class_category_name2", "price", "quantity",
        "tax", "currency_code", "OrderItemType:OrderItemType", "TaxDisplayType:TaxDisplayType", "Shipping:OwnShipping",
        "Product:Product",
    ),
    "Shipping": (
        "id", "name01", "name02", "company_name", "phone_number", "postal_code", "addr01", "addr02", "tracking_number",
        "shipping_delivery_name", "shipping_delivery_date", "shipping_delivery_time", "shipping_date", "mail_send_date",
        "create_date", "update_date", "Country:Country", "Pref:Pref", "Delivery:Delivery",
    ),
    "OwnShipping": ("id",),
    "OrderStatus": ("id", "name"),
    "OrderItemType": ("id", "name"),
    "TaxDisplayType": ("id", "name"),
    "Country": ("id", "name"),
    "Pref": ("id", "name"),
    "Customer": ("id",),
    "Delivery": ("id", "name", "service_name", "confirm_url"),
    "MailHistory": ("id", "send_date", "mail_subject"),
    "Product": ("id", "ProductImage:ProductImage"),
    "ProductImage": ("file_name", "sort_no"),
}  # fmt: skip

_UNKNOWN = re.compile(r'Cannot query field "(\w{1,64})" on type "(\w{1,64})"')
_TYPES = {"OwnShipping": "Shipping"}  # ours -> the API's, where they differ


def one(number: str, fields: Fields) -> str:
    """The question for one order."""
    return f"{{ order(id: {json.dumps(number)}) {_selection('Order', fields)} }}"


def many(page: int, limit: int, since: str | None, fields: Fields) -> str:
    """The question for a page of orders, the last changed first (OrderRepository::getQueryBuilderBySearchDataForAdmin).
    `since` is a day of the shop: a filter by moment exists only in newer versions."""
    day = f", update_date_start: {json.dumps(since)}" if since else ""
    found = f"nodes {_selection('Order', fields)} totalCount pageInfo {{ hasNextPage }}"
    return f"{{ orders(page: {page}, limit: {limit}{day}) {{ {found} }} }}"


def messages(answer: Any) -> list[str]:
    """What the errors of an answer say; the API gives them no codes."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return [text(row.get("message")) or "an error without a message" for row in rows(errors)]


def fewer(fields: Fields, told: list[str]) -> Fields | None:
    """The fields without those that the messages say the API does not know; None when they name none of ours."""
    unknown = {(kind, name) for message in told for name, kind in _UNKNOWN.findall(message)}
    left = {
        kind: tuple(one for one in names if (_TYPES.get(kind, kind), one.partition(":")[0]) not in unknown)
        for kind, names in fields.items()
    }
    return left if left != fields else None


def _selection(kind: str, fields: Fields) -> str:
    parts = []
    for field in fields[kind]:
        name, _, below = field.partition(":")
        if not below:
            parts.append(name)
        elif fields[below]:
            parts.append(f"{name} {_selection(below, fields)}")
    return f"{{ {' '.join(parts)} }}"
