"""The csv source: files as Japanese warehouses export them, good and broken."""

import base64
import contextlib
import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.parts.bodies.tables import load_table
from connectors.sources.csv import SOURCE
from connectors.sources.csv.columns import synonyms
from connectors.sources.csv.wording import of_order, of_parcel
from engine.contracts import Delivery, OrderSeen, Refused, ScanSeen, ShipmentSeen, Unreadable, Verified

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # 18:00 in Tokyo
HEADER = "受注番号,出荷日,送り状番号,配送業者"


def delivery(text, headers=None, at=NOW, **config):
    body = text if isinstance(text, bytes) else text.encode()
    config = {name.replace("__", "."): value for name, value in config.items()}
    return Delivery(body=body, headers=headers or {}, received_at=at, config=config)


def read(text, at=NOW, **config):
    return SOURCE.read(delivery(text, at=at, **config))


def only(kind, text, **config):
    (one,) = [seen for seen in read(text, **config).observations if isinstance(seen, kind)]
    return one


# --- who may send a file --------------------------------------------------------------------------


def sign(body, secret):
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    return "sha256=" + digest.hexdigest(), base64.b64encode(digest.digest()).decode()


def test_a_file_is_signed_in_hex_or_base64_by_any_secret_or_brings_the_secret():
    for form in sign(b"file", "new"):
        told = delivery(b"file", {"x-todoke-signature": form})
        assert SOURCE.verify(told, ["old", "new"], NOW) == Verified(by="signature")
    bearer = delivery(b"file", {"authorization": "bearer new"})
    assert SOURCE.verify(bearer, ["old", "new"], NOW) == Verified(by="bearer")


@pytest.mark.parametrize(
    ("headers", "secrets", "says"),
    [
        ({"authorization": "Bearer s"}, [], "--set secret"),
        ({"authorization": "Bearer "}, [""], "--set secret"),
        ({}, ["s"], "not signed"),
        ({"authorization": "Basic s"}, ["s"], "not signed"),
        ({"authorization": "Bearer é"}, ["s"], "does not match"),
        ({"x-todoke-signature": "sha256=00", "authorization": "Bearer s"}, ["s"], "does not match"),
    ],
)
def test_a_refusal_says_what_to_send(headers, secrets, says):
    verdict = SOURCE.verify(delivery(b"file", headers), secrets, NOW)
    assert isinstance(verdict, Refused)
    assert says in verdict.reason


# --- encodings, delimiters, quotes ----------------------------------------------------------------

NAMES = "受注番号,送り状番号,お届け先名,メールアドレス\nK-1,401234567890,髙﨑 はじめ,a@example.com\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encoding_line_ends_and_delimiter_are_found_out(encoding, ends, delimiter):
    text = NAMES.replace(",", delimiter).replace("\n", ends)
    assert only(OrderSeen, text.encode(encoding)).recipient.name == "髙﨑 はじめ"


@pytest.mark.parametrize("extension", [b"\xfb\xfc", b"\xee\xe0"])  # as IBM and as NEC numbered it
def test_both_codes_of_the_tall_taka_are_read(extension):
    body = "受注番号,お届け先名\nK-1,".encode("cp932") + extension + "橋\n".encode("cp932")
    assert only(OrderSeen, body).recipient.name == "髙橋"


def test_one_damaged_line_of_utf8_does_not_turn_the_file_into_cp932():
    lines = [NAMES.encode().splitlines()[0], *(f"K-{n},4012,髙﨑 {n}".encode() + b",a" for n in range(4))]
    lines[2] = lines[2].replace("髙".encode(), b"\xe9\xab")
    reading = read(b"\n".join(lines))
    assert [bad.number for bad in reading.bad_rows] == [3]
    assert {seen.recipient.name for seen in reading.observations if isinstance(seen, OrderSeen)} == {
        "髙﨑 0", "髙﨑 2", "髙﨑 3",
    }  # fmt: skip


def test_a_file_in_no_known_encoding_names_line_and_byte():
    with pytest.raises(Unreadable, match="line 2: byte 3 of the line is not CP932"):
        read(b"order number,tracking number\nK-\xff\xff,1\n")
    with pytest.raises(Unreadable, match="line 1: byte 1 of the line is not UTF-8"):
        read(NAMES.encode("cp932"), encoding="utf-8")
    with pytest.raises(Unreadable, match="UTF-16"):
        read(NAMES.encode("utf-16"))


def test_an_open_quote_costs_its_line_only():
    rows = 'K-1,20261124,"401,ヤマト\nK-2,20261124,402,ヤマト\nK-3,20261124,"4""03",ヤマト\n'
    reading = read(f"{HEADER}\n{rows}")
    assert [(bad.number, "quote" in bad.reason) for bad in reading.bad_rows] == [(2, True)]
    assert {seen.ref.order_number for seen in reading.observations} == {"K-2", "K-3"}


def test_two_open_quotes_do_not_swallow_what_lies_between():
    reading = read(f'{HEADER}\nK-1,20261124,"401,ヤマト\nK-2,20261124,402,ヤマト\nK-3,20261124,"403,ヤマト\n')
    assert [bad.number for bad in reading.bad_rows] == [2, 4]
    assert {seen.ref.order_number for seen in reading.observations} == {"K-2"}


def test_numbers_count_lines_of_the_file_also_after_a_field_of_several_lines():
    text = '受注番号,商品名,数量,合計\nK-1,"煎茶\n100g",1,10\n\nK-2,茶,many,10\n'
    assert [bad.number for bad in read(text).bad_rows] == [5]


# --- columns --------------------------------------------------------------------------------------


def test_no_header_text_means_two_things():
    names = [name for names in synonyms().values() for name in set(names)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("header", ["ORDER_NUMBER,Tracking-Number", "order number,ＴＲＡＣＫＩＮＧ　number"])
def test_case_width_and_separators_of_a_header_do_not_count(header):
    assert only(ShipmentSeen, f"{header}\nK-1,4012\n").ref.tracking_number == "4012"


def test_a_told_column_is_taken_away_from_what_it_looks_like():
    text = "伝票番号,お荷物No\nK-1,4012\n"
    seen = only(ShipmentSeen, text, column__order_number="伝票番号", column__tracking_number="お荷物No")
    assert (seen.ref.order_number, seen.ref.tracking_number) == ("K-1", "4012")


def test_numbered_columns_skip_a_header_that_is_there():
    config = {"column.order_number": "1", "column.tracking_number": "2"}
    for text in ("K-1,4012\n", "受注番号,送り状番号\nK-1,4012\n"):
        assert only(ShipmentSeen, text, **config).ref.order_number == "K-1"


@pytest.mark.parametrize(
    ("text", "config", "says"),
    [
        ("K-1,4012\n", {}, "--set column.order_number=1"),
        ("a,b\nK-1,4012\n", {"header": "yes"}, "no column holds the order number"),
        (NAMES, {"column.order": "1"}, "column.order: no such field"),
        (NAMES, {"column.status": "状況"}, "column.status: the header has no such text"),
        (NAMES, {"column.status": "5"}, "column.status: the file has 4 columns"),
        (NAMES, {"column.status": "0"}, "column.status: the file has 4 columns"),
        (NAMES, {"header": "perhaps"}, "setting header"),
        (NAMES, {"encoding": "ebcdic"}, "setting encoding"),
        (NAMES, {"delimiter": "pipe"}, "setting delimiter"),
        (NAMES, {"route": "yes"}, "column.owner"),
        (NAMES, {"timezone": "Moon/Crater"}, "Asia/Tokyo"),
    ],
)
def test_a_file_that_cannot_be_laid_out_says_what_to_type(text, config, says):
    with pytest.raises(Unreadable, match=says):
        read(text, **config)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "dispatched"),
    [
        ("2026/11/24 9:05", "2026-11-24T09:05:00+09:00"),
        ("２０２６／１１／２４　９：０５", "2026-11-24T09:05:00+09:00"),
        ("2026年11月24日 9時05分", "2026-11-24T09:05:00+09:00"),
        ("20261124090500", "2026-11-24T09:05:00+09:00"),
        ("2026-11-24T00:05:00Z", "2026-11-24T00:05:00+00:00"),
        ("2026-11-23", "2026-11-23T23:59:59+09:00"),  # some time that day: its end
        ("2026-11-23 00:00:00", "2026-11-23T23:59:59+09:00"),
        ("20261124", "2026-11-24T18:00:00+09:00"),  # today: not after the file arrived
        ("2026/11/24 20:00", "2026-11-24T18:00:00+09:00"),
        ("0000/00/00", None),
        ("2026/11/25", None),  # a plan
    ],
)
def test_dates(cell, dispatched):
    seen = only(ShipmentSeen, f"{HEADER}\nK-1,{cell},4012,ヤマト\n")
    assert seen.dispatched_at == (datetime.fromisoformat(dispatched) if dispatched else None)
    assert seen.as_of <= NOW


def test_a_shipping_day_to_come_is_the_promise_of_the_order():
    assert only(OrderSeen, f"{HEADER}\nK-1,2026/11/26,4012,ヤマト\n").ships_on == date(2026, 11, 26)


def test_day_and_time_of_shipping_may_stand_apart():
    text = "受注番号,出荷日,出荷時刻,送り状番号\nK-1,20261124,0905,4012\n"
    assert only(ShipmentSeen, text).dispatched_at.isoformat() == "2026-11-24T09:05:00+09:00"


@pytest.mark.parametrize(
    "cell", ["11/24/2026", "26/12/24", "2026/13/01", "20261131", "24.11.2026", "明日", "1899/01/01"]
)
def test_a_date_that_is_not_plain_is_a_bad_row_without_its_value(cell):
    reading = read(f"{HEADER}\nK-1,{cell},4012,ヤマト\nK-2,20261124,4013,ヤマト\n")
    (bad,) = reading.bad_rows
    assert bad.number == 2
    assert "shipped_date (column 2 出荷日)" in bad.reason
    assert cell not in bad.reason


def test_the_form_of_dates_can_be_set():
    text = f"{HEADER}\nK-1,11/24/2026 09:05,4012,ヤマト\nK-2,2026/11/24,4013,ヤマト\n"
    reading = read(text, date_format="%m/%d/%Y %H:%M")
    assert reading.observations[0].dispatched_at.isoformat() == "2026-11-24T09:05:00+09:00"
    assert "%m/%d/%Y %H:%M" in reading.bad_rows[0].reason


@pytest.mark.parametrize(
    "cell",
    [
        "４０１２－３４５６ー７８９０",
        "4012 3456 7890",
        '"=""401234567890"""',
        "'401234567890",
        "4012‐3456–7890",
    ],
)
def test_tracking_numbers_are_narrowed(cell):
    assert only(ShipmentSeen, f"{HEADER}\nK-1,20261124,{cell},ヤマト\n").ref.tracking_number == "401234567890"


@pytest.mark.parametrize(
    ("column", "cell"),
    [("数量", "二"), ("数量", "-1"), ("数量", "NaN"), ("数量", "1e99"), ("単価", "高い"), ("個口数", "0"),
     ("個口数", "1.5"), ("出荷時刻", "25:00"), ("送り状番号", "4.01235E+11"), ("受注番号", "　")],
)  # fmt: skip
def test_a_bad_cell_names_its_column_and_never_its_value(column, cell):
    columns = ["受注番号", "数量", "単価", "個口数", "出荷時刻", "送り状番号", "商品名"]
    good = dict(zip(columns, ["K-1", "1", "100", "1", "9:00", "4012", "茶"], strict=True))
    rows = [good.values(), {**good, column: cell}.values()]
    (bad,) = read("\n".join([",".join(columns), *(",".join(row) for row in rows)])).bad_rows
    assert column in bad.reason
    assert bad.number == 3
    if cell.strip():
        assert cell not in bad.reason.replace("from 1", "")


def test_names_stay_as_written():
    text = "受注番号,お届け先名,注文日\nK-1,　髙ﾊｼﾞﾒ　１号ー２ ,20261124\n"
    assert only(OrderSeen, text).recipient.name == "髙ﾊｼﾞﾒ　１号ー２"


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["入金済", "入金済み", " 入 金 済 ", "PAID"])
def test_payment_words(word):
    assert only(OrderSeen, f"受注番号,注文日,ステータス\nK-1,20261123,{word}\n").payment == "paid"


def test_without_a_word_or_a_date_nothing_is_said_of_payment():
    seen = only(OrderSeen, "受注番号,注文日,合計\nK-1,2026/11/23 10:00,100\n")
    assert (seen.payment, seen.paid_at, seen.as_of.isoformat()) == (None, None, "2026-11-23T10:00:00+09:00")


def test_a_word_without_a_date_is_said_by_the_file_unless_the_row_is_old():
    text = "受注番号,注文日,ステータス\nK-1,2026/11/23 10:00,発送済\n"
    assert only(ShipmentSeen, text).dispatched_at == NOW
    much_later = only(ShipmentSeen, text, at=NOW + timedelta(days=90))
    assert much_later.dispatched_at.isoformat() == "2026-11-23T10:00:00+09:00"


def test_one_cancelled_row_is_not_a_cancelled_order():
    rows = "K-1,A,2,10,キャンセル\nK-1,B,1,10,新規受付\nK-2,A,1,10,キャンセル\n"
    first, second = read("受注番号,商品コード,数量,単価,ステータス\n" + rows).observations
    assert first.cancelled_at is None
    assert [(line.id, line.cancelled) for line in first.lines] == [("A", 2), ("B", 0)]
    assert second.cancelled_at == NOW


def test_a_file_of_parcels_does_not_speak_of_the_lines_of_the_order():
    (seen,) = read("受注番号,出荷日,送り状番号,商品コード,数量\nK-1,20261124,4012,A,1\n").observations
    assert (seen.contents[0].line_id, seen.contents[0].quantity) == ("A", 1)


def test_siblings_are_counted_by_their_numbers():
    rows = "K-1,20261124,4012,ヤマト\nK-1,20261124,{},ヤマト\n"
    assert {seen.siblings for seen in read(f"{HEADER}\n{rows.format(4013)}").observations} == {2}
    assert {seen.siblings for seen in read(f"{HEADER}\n{rows.format('')}").observations} == {None}
    spoiled = read(f"{HEADER}\n{rows.format(4013)}K-1,yesterday,4014,ヤマト\n")
    assert {seen.siblings for seen in spoiled.observations} == {None}
    counted = read("受注番号,送り状番号,個口数\nK-1,4012,３\nK-1,4013,３\n").observations
    assert [seen.siblings for seen in counted] == [3, 3]


def test_boxes_under_one_number_are_one_parcel():
    counted = read("受注番号,送り状番号,個口数\nK-1,4012,３\n").observations
    assert [seen.siblings for seen in counted] == [None]


def test_parcels_of_an_order_may_go_to_different_people():
    text = "受注番号,出荷日,送り状番号,お届け先名\nK-1,20261124,1,山田 一\nK-1,20261124,2,山田 二\n"
    parcels = [seen for seen in read(text).observations if isinstance(seen, ShipmentSeen)]
    assert [parcel.recipient.name for parcel in parcels] == ["山田 一", "山田 二"]


@pytest.mark.parametrize("cell", ["なし", "店頭渡し", "-"])
def test_a_word_is_no_tracking_number(cell):
    parcel = only(ShipmentSeen, f"{HEADER}\nK-1,20261124,{cell},ヤマト\n")
    assert (parcel.ref.shipment_id, parcel.ref.tracking_number) == ("K-1-1", None)


def test_a_parcel_without_a_number_needs_to_have_left():
    text = "受注番号,注文日,出荷日\nK-1,20261123,20261124\nK-2,20261123,\n"
    (parcel,) = [seen for seen in read(text).observations if isinstance(seen, ShipmentSeen)]
    assert (parcel.ref.shipment_id, parcel.ref.tracking_number) == ("K-1-1", None)


@pytest.mark.parametrize("cell", ['"4012,4013"', "4012/4013", "４０１２／４０１３", "4012、4013", '"4012\n4013"'])
def test_several_numbers_in_one_cell_are_several_parcels_of_unknown_contents(cell):
    text = f"受注番号,出荷日,送り状番号,商品コード\nK-1,20261124,{cell},A\n"
    assert [(one.ref.tracking_number, one.contents, one.siblings) for one in read(text).observations] == [
        ("4012", None, 2), ("4013", None, 2),
    ]  # fmt: skip


def test_a_file_without_order_numbers_goes_by_tracking_number():
    seen = read("送り状番号,配送業者,配送状況\n4012,ヤマト,配達完了\n4013,ヤマト,配達中\n").observations
    scans = {one.ref.tracking_number: one.status for one in seen if isinstance(one, ScanSeen)}
    assert scans == {"4012": "delivered", "4013": "out_for_delivery"}
    assert {one.ref.order_number for one in seen} == {None}


# --- carriers' words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "carrier", "meaning"),
    [
        ("配達完了（宅配ボックス）", "yamato", {"status": "delivered", "substatus": "locker"}),
        ("持戻（ご不在）", "yamato", {"status": "delivery_failed", "reason": "consignee_not_home"}),
        ("調査中（ご不在）", "yamato", {"status": "delivery_failed", "reason": "consignee_not_home"}),
        ("返品", "yamato", {"status": "return_to_sender"}),
        ("保管中", "sagawa", {"status": "on_hold"}),
        ("お届け先にお届け済み", "japanpost", {"status": "delivered"}),
        ("お届け先にお届け済み", None, {"status": "delivered"}),
        ("Out for delivery", "dhl", {"status": "out_for_delivery"}),
        ("テレポート済", "yamato", None),
    ],
)
def test_what_carriers_write(word, carrier, meaning):
    assert of_parcel(word, carrier) == meaning


def test_a_status_column_may_speak_for_the_carrier_and_unknown_words_are_reported():
    text = "受注番号,送り状番号,配送業者,ステータス\nK-1,4012,ヤマト,配達中\nK-2,4013,ヤマト,謎\n"
    reading = read(text)
    assert [one.status for one in reading.observations if isinstance(one, ScanSeen)] == ["out_for_delivery"]
    assert reading.unmapped == ("謎",)
    assert of_order("配達中") is None


# --- whole files ----------------------------------------------------------------------------------


def test_too_many_bad_rows_make_the_file_unreadable():
    bad = "K-1,yesterday,4012,ヤマト\n"
    good = "K-2,20261124,4013,ヤマト\n"
    assert len(read(f"{HEADER}\n{good}{bad * 1000}").bad_rows) == 1000
    with pytest.raises(Unreadable, match="over 1000 bad rows, the first: line 3: shipped_date"):
        read(f"{HEADER}\n{good}{bad * 1001}")
    with pytest.raises(Unreadable, match="no row is good, the first: line 2"):
        read(f"{HEADER}\n{bad}")


def test_owners_are_kept_apart_and_codes_keep_their_zeros():
    text = "荷主コード,受注番号,送り状番号\n0120,A-1,4012\n0007,A-1,4013\n"
    routed = read(text, route="yes")
    assert [(one.route, len(one.observations)) for one in routed.routed] == [("0120", 1), ("0007", 1)]
    assert routed.observations == ()
    assert len(read(text).observations) == 2


HEADS = st.sampled_from([b"", HEADER.encode("cp932") + b"\n", HEADER.encode() + b"\n"])


@given(st.binary(max_size=200), HEADS)
def test_any_bytes_are_read_or_unreadable(tail, head):
    with contextlib.suppress(Unreadable):
        reading = read(head + tail)
        assert reading.observations or reading.bad_rows or reading.ignored or tail.strip()


@given(st.lists(st.text(alphabet='K-12,"\n\t ;髙０9/ー', max_size=30), max_size=8))
def test_every_row_goes_in_or_is_reported(rows):
    text = "\n".join([HEADER, *rows, "K-9,20261124,4012,ヤマト"])
    try:
        reading = read(text, delimiter="comma")
    except Unreadable:
        return
    lines = {bad.number for bad in reading.bad_rows}
    assert all(2 <= number <= text.count("\n") + 1 for number in lines)
    assert len(lines) == len(reading.bad_rows)


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n", "a: 1\na: 2\n", "- a\n", "a: [\n"])
def test_a_table_with_aliases_repeats_or_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / "table.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"table\.yaml"):
        load_table(path)


def test_a_table_holds_strings_only(tmp_path):
    path = tmp_path / "table.yaml"
    path.write_text("no: [yes, 0120, 2026-11-24, null]\n", "utf-8")
    assert load_table(path) == {"no": ["yes", "0120", "2026-11-24", "null"]}
