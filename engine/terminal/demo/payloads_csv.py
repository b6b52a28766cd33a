"""The warehouse's files in CP932: orders taken by telephone, what was sent today, where the parcels are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from io import StringIO

from engine.model.shipment import Status
from engine.terminal.demo.cast import Item
from engine.terminal.demo.post import Post
from engine.terminal.demo.purchase import TOKYO, Parcel, Purchase

ORDERS = ("受注番号", "注文日時", "入金日時", "注文者名", "メールアドレス", "商品コード", "商品名", "数量", "単価",
          "合計金額", "お届け先氏名", "お届け先郵便番号", "お届け先住所")  # fmt: skip
SENT = ("受注番号", "出荷日時", "送り状番号", "配送会社", "商品コード", "商品名", "数量", "個口数", "お届け予定日")
STANDING = ("受注番号", "送り状番号", "配送会社", "個口数", "配送状況", "配達完了日時")
WORDS: dict[str, dict[Status, str]] = {
    "ヤマト運輸": {"in_transit": "輸送中", "out_for_delivery": "配達中", "delivery_failed": "持戻（ご不在）",
                   "on_hold": "保管中", "delivered": "配達完了"},
    "佐川急便": {"in_transit": "輸送中", "out_for_delivery": "配達中", "delivery_failed": "持ち戻り／ご不在",
                 "on_hold": "保管中", "delivered": "配達完了"},
    "日本郵便": {"in_transit": "通過", "out_for_delivery": "持ち出し中", "delivery_failed": "ご不在のため持ち戻り",
                 "on_hold": "保管", "delivered": "お届け先にお届け済み"},
}  # fmt: skip
STANDING_TIMES = (time(12), time(20))


def tell(handled: Sequence[Purchase]) -> Iterator[Post]:
    """The files about all purchases that the warehouse handles. Orders taken by telephone are in a file of
    their own; those of a shop are known from the shop."""
    by_phone = [bought for bought in handled if bought.shop == "csv"]
    for bought in by_phone:
        yield _file(_after(bought.paid_at), "orders", ORDERS, _order_rows(bought), name=bought.number)
    parcels = [(bought, parcel) for bought in handled for parcel in bought.parcels]
    days = sorted({parcel.sent_at.date() for _, parcel in parcels})
    for n, day in enumerate(days):
        today = [(bought, parcel) for bought, parcel in parcels if parcel.sent_at.date() == day]
        rows = [row for bought, parcel in today for row in _sent_rows(bought, parcel)]
        if n == 3:  # somebody typed the quantity in words; the other lines count all the same
            rows.append([*rows[0][:2], "", rows[0][3], "FUKIN-ASA", "麻のふきん", "二枚", "1", ""])
        yield _file(datetime.combine(day, time(17, 30), TOKYO), "sent", SENT, rows)
    yield from _standings(parcels)


def _standings(parcels: Iterable[tuple[Purchase, Parcel]]) -> Iterator[Post]:
    """Twice a day, every parcel about which the carrier has said something since the last file."""
    files: dict[datetime, list[list[str]]] = {}
    for bought, parcel in parcels:
        last = {_next_file(at): (at, status) for at, status in parcel.scans}
        for told_at, (at, status) in last.items():
            done = f"{at:%Y/%m/%d %H:%M}" if status == "delivered" else ""
            word = WORDS[parcel.carrier][status]
            row = [bought.number, parcel.number, parcel.carrier, str(len(bought.parcels)), word, done]
            files.setdefault(told_at, []).append(row)
    for at, rows in sorted(files.items()):
        yield _file(at, "standing", STANDING, rows)


def _next_file(at: datetime) -> datetime:
    clock = next((clock for clock in STANDING_TIMES if at.astimezone(TOKYO).time() <= clock), None)
    day = at.astimezone(TOKYO).date()
    return datetime.combine(day if clock else day + timedelta(days=1), clock or STANDING_TIMES[0], TOKYO)


def _after(at: datetime) -> datetime:
    """The clerk's next full hour."""
    return at.replace(minute=0, second=0) + timedelta(hours=1)


def _order_rows(bought: Purchase) -> list[list[str]]:
    to, home = bought.recipient, bought.recipient.home
    return [
        [bought.number, f"{bought.placed_at:%Y/%m/%d %H:%M}", f"{bought.paid_at:%Y/%m/%d %H:%M}", bought.buyer.name,
         bought.buyer.email, item.sku, _name(item), str(units), f"{item.price:,}", f"{bought.total:,}", to.name,
         home.postal_code, f"{home.prefecture}{home.city}{home.line1} {home.line2}".strip()]
        for item, units in bought.basket
    ]  # fmt: skip


def _sent_rows(bought: Purchase, parcel: Parcel) -> list[list[str]]:
    return [
        [bought.number, f"{parcel.sent_at:%Y/%m/%d %H:%M}", _wide(parcel.number), parcel.carrier, item.sku,
         _name(item), str(units), str(len(bought.parcels)), f"{parcel.eta:%Y/%m/%d}"]
        for item, units in parcel.contents
    ]  # fmt: skip


def _file(at: datetime, kind: str, header: Sequence[str], rows: Iterable[Sequence[str]], name: str = "") -> Post:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    headers = {"content-type": "text/csv; charset=Shift_JIS"}
    body = text.getvalue().encode("cp932")
    return Post(at=at, source="csv", body=body, id=f"{kind}-{name}-{at:%m%d%H%M}", headers=headers)


def _name(item: Item) -> str:
    return f"{item.name} {item.variant}" if item.variant else item.name


def _wide(number: str) -> str:
    """Full-width digits with hyphens, as some warehouse systems print a number: ４８１０-..."""
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    return "-".join(wide[at : at + 4] for at in range(0, len(wide), 4))
