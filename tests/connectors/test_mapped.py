"""The mapped source: what a mapping may say, what is told of a wrong one, who may post, and how an API is asked."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import connectors.sources.mapped
from connectors.sources.mapped import SOURCE
from connectors.sources.mapped.expressions import Scope, compiled
from engine.contracts import (
    Delivery,
    OrderSeen,
    Refused,
    ReturnSeen,
    ScanSeen,
    ShipmentSeen,
    Unanswered,
    Unreadable,
    Verified,
)
from tests.connectors.playing import NOW, Player, player

EXAMPLES = Path(connectors.sources.mapped.__file__).parent / "examples"
SMALL = "format: json\nrecords:\n  - each: orders[]\n    order_number: no\n    order: {status: state}\n"


def delivery(body, mapping=SMALL, headers=None, topic=None, url="", **config):
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Delivery(
        body=raw, headers=headers or {}, received_at=NOW, topic=topic, config={"mapping": mapping, **config}, url=url
    )


def read(body, mapping=SMALL, **more):
    return SOURCE.read(delivery(body, mapping, **more))


def only(kind, reading):
    (one,) = [seen for seen in reading.observations if isinstance(seen, kind)]
    return one


# --- what is told of a wrong mapping ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("", "--set mapping=@FILE"),
        ("format: json\nrecrods: []\n", "line 2: there is no key 'recrods' here; did you mean records?"),
        ("format: jason\nrecords: [{}]", "line 1: format: 'jason' is none of json, csv, xml; did you mean json?"),
        ("records: [{}]", "format is missing"),
        ("format: json\nrecords:\n  - each: x\n", "line 3: this record tells nothing; it needs one of order, shipment"),
        (
            "format: json\nrecords:\n  - order:\n      placed: x",
            "line 4: there is no key 'placed' here; did you mean pl",
        ),
        (
            "format: json\nrecords:\n- order:\n    total: a b",
            "line 4: total: 'a b' is no expression: it cannot be read at",
        ),
        (
            "format: json\nrecords:\n- order:\n    total: f(x)",
            "line 4: total: 'f(x)' is no expression: there is no fun",
        ),
        ("format: json\nrecords:\n- order:\n    total: {a: b}", "line 4: total: expected an expression"),
        ("format: json\nrecords:\n- order: text", "line 3: order: expected a mapping"),
        (SMALL + "statuses:\n  order:\n    '10': payed", "line 8: 'payed' is no status of ours; did you mean paid?"),
        (SMALL + "statuses:\n  parcel: {}", "line 7: there is no key 'parcel' here"),
        (SMALL + "time_zone: Tokyo/Asia", "line 6: time_zone: there is no 'Tokyo/Asia'"),
        (SMALL + "currency: yen!", "line 6: currency: expected three letters"),
        (SMALL + "verify: none", "line 6: by: 'none' is none of hmac, bearer, header, token, standard"),
        (SMALL + "verify: hmac", "line 6: verify by hmac: header is missing"),
        (SMALL + "csv: {skip: '1'}", "line 6: csv: only for format: csv"),
        (SMALL + "poll: {path: 'https://x.example/'}", "line 6: path: expected the path below the connection's url"),
        (SMALL + "poll: {path: //x.example/}", "line 6: path: expected the path below the connection's url"),
        (SMALL + "poll:\n  path: /x\n  auth: {x-key: abc}", "line 8: x-key: the secret itself does not belong here"),
        (SMALL + "poll:\n  path: /x\n  auth: {x-key: '{tokn}'}", "line 8: x-key: {tokn} is none of {token}, {user}"),
        (SMALL + "poll:\n  path: /x\n  pages: {by: offset, parameter: o}", "size is missing"),
        (SMALL + "poll:\n  path: /x\n  pages: {by: cursor, parameter: o}", "next is missing"),
        (SMALL + "poll:\n  path: /x\n  since: {parameter: a, overlap: soon}", "overlap: expected a span"),
        ("format: json\nrecords:\n- order: &a {total: x}\n- order: *a", "line 3: anchors and aliases"),
        ("format: json\nformat: csv\nrecords: []", "line 2: 'format' stands twice, first in line 1"),
        ("format: !!python/name:os.system x", "line 1: tags (!) are not allowed"),
        ("format: [", "not YAML"),
        ("a: " + "[" * 3000, "not YAML"),
        ("x: '" + "y" * 70_000 + "'", "larger than 65536 bytes"),
    ],
)
def test_a_wrong_mapping_is_told_with_its_line_and_what_was_meant(mapping, says):
    found = SOURCE.misset({"mapping": mapping})
    assert found is not None
    assert says in found
    with pytest.raises(Unreadable, match="mapping"):
        read({}, mapping)
    assert isinstance(SOURCE.verify(delivery({}, mapping), ["s"], NOW), Refused)


def test_routing_needs_an_owner_in_every_record():
    assert "owner" in (SOURCE.misset({"mapping": SMALL, "route": "yes"}) or "")
    assert SOURCE.misset({"mapping": SMALL + "owner: o", "route": "yes"}) is None
    assert SOURCE.misset({"mapping": SMALL}) is None


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_examples_can_be_used_as_they_are(file):
    assert SOURCE.misset({"mapping": file.read_text("utf-8")}) is None


# --- expressions ------------------------------------------------------------------------------------


def asked(expression, value):
    return compiled(expression).of(Scope(here=value, document=value))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("注文.番号", "1"),
        ("注文.明細[].品名", ["茶"]),
        ("注文.明細[0].品名", "茶"),
        ("注文.明細[?数 > `1`].品名", ["茶"]),
        ("join('', [注文.番号, '番'])", "1番"),
        ("split(code, '-')[1]", "b"),
        ("split(nothing, '-')[1]", None),
        ("concat(code, '/', 注文.番号)", "a-b/1"),
        ("concat(code, nothing)", None),
        ("divide(cents, `100`)", "12.34"),
        ("divide(cents, `0`)", None),
        ("nothing[].x", None),
        ("cents[].x", []),
    ],
)
def test_expressions_are_jmespath_and_forgive_what_systems_do(expression, found):
    value = {"注文": {"番号": "1", "明細": {"品名": "茶", "数": 2}}, "code": "a-b", "cents": 1234}
    assert asked(expression, value) == found


def test_the_same_path_finds_one_and_many():
    assert asked("a.b[].c", {"a": {"b": {"c": 1}}}) == asked("a.b[].c", {"a": {"b": [{"c": 1}]}}) == [1]


# --- records ----------------------------------------------------------------------------------------


def test_a_status_without_a_date_holds_from_the_arrival_unless_everything_is_old():
    mapping = (
        "format: json\nrecords:\n- order: {order_number: no, placed_at: at, status: s}\n"
        "statuses: {order: {paid: paid}}\n"
    )
    new = only(OrderSeen, read({"no": 1, "s": "Paid", "at": "2026-11-23T10:00:00Z"}, mapping))
    old = only(OrderSeen, read({"no": 1, "s": "Paid", "at": "2025-11-23T10:00:00Z"}, mapping))
    assert (new.as_of, new.payment) == (NOW, "paid")
    assert old.as_of == datetime(2025, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-24T17:00:00+09:00", "2026-11-24T08:00:00+00:00"),
        ("2026-11-24T17:00:00.1234567+09:00", "2026-11-24T08:00:00.123456+00:00"),
        ("2026/11/24 9:05", "2026-11-24T00:05:00+00:00"),
        ("２０２６年１１月２４日 9時05分", "2026-11-24T00:05:00+00:00"),
        (1795507200, "2026-11-24T08:00:00+00:00"),
        ("1795507200000", "2026-11-24T08:00:00+00:00"),
        ("24.11.2026 17:00", "2026-11-24T08:00:00+00:00"),
        ("20261124", "2026-11-24T12:00:00+00:00"),  # some time that day: not after it was told
        ("2026-11-30", None),  # a plan
        ("0000-00-00", None),
    ],
)
def test_times_of_every_form(said, meant):
    mapping = (
        'format: json\ndate_format: "%d.%m.%Y %H:%M"\nrecords:\n- shipment: {tracking_number: t, dispatched_at: at}\n'
    )
    at = only(ShipmentSeen, read({"t": "4012", "at": said}, mapping)).dispatched_at
    assert (at.astimezone(UTC).isoformat() if at else None) == meant


def test_an_unreadable_time_is_reported_and_the_rest_of_the_record_read():
    mapping = "format: json\nrecords:\n- each: '@'\n  shipment: {tracking_number: t, dispatched_at: at, carrier: c}\n"
    reading = read([{"t": "1", "at": "yesterday", "c": "ヤマト"}, {"t": "2", "at": "20261124"}], mapping)
    first, second = reading.observations
    assert (first.dispatched_at, first.carrier) == (None, "yamato")
    assert second.dispatched_at is not None
    (bad,) = reading.bad_rows
    assert bad.number == 1
    assert "shipment dispatched_at: expected a time" in bad.reason
    assert "yesterday" not in bad.reason


def test_a_snapshot_tells_of_a_failed_attempt_only_with_the_time_that_it_began():
    mapping = (
        "format: json\nrecords:\n- shipment: {tracking_number: t, at: at, status: s, status_at: since}\n"
        "statuses: {shipment: {absent: {status: delivery_failed, reason: consignee_not_home}}}\n"
    )
    silent = {"t": "4", "s": "absent", "at": "2026-11-24T10:00:00Z"}
    assert [type(one) for one in read(silent, mapping).observations] == [ShipmentSeen]
    assert any("status_at" in remark for remark in SOURCE.remarks(delivery(silent, mapping)))
    scan = only(ScanSeen, read(silent | {"since": "2026-11-24T09:00:00Z"}, mapping))
    assert (scan.status, scan.reason) == ("delivery_failed", "consignee_not_home")
    assert scan.as_of == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_a_mapped_word_outweighs_the_carriers_and_an_unknown_one_is_kept():
    mapping = (
        "format: json\nrecords:\n- scan: {tracking_number: t, at: at, status: s, carrier: c}\n"
        "statuses: {scan: {配達完了: returned}}\n"
    )
    told = {"t": "4", "at": "2026-11-24T10:00:00Z", "c": "ヤマト運輸"}
    assert only(ScanSeen, read(told | {"s": "配達完了"}, mapping)).status == "returned"
    assert only(ScanSeen, read(told | {"s": "配達中"}, mapping)).status == "out_for_delivery"
    strange = read(told | {"s": "月面着陸"}, mapping)
    assert (only(ScanSeen, strange).status, only(ScanSeen, strange).raw_code) == ("unknown", "月面着陸")
    assert strange.unmapped == ("月面着陸",)


def test_rows_of_several_orders_and_owners_never_mix():
    mapping = (
        "format: csv\nowner: o\nrecords:\n- group: n\n  order_number: n\n  order:\n    lines: {each: rows, sku: s, "
        "quantity: q}\n"
    )
    file = b"o,n,s,q\nA,1,x,1\nB,1,y,5\nA,1,x,2\nA,2,z,1\n"
    reading = read(file, mapping, route="yes")
    assert reading.observations == ()
    lines = {
        (one.route, seen.ref.order_number): [(line.id, line.quantity) for line in seen.lines]
        for one in reading.routed
        for seen in one.observations
    }
    assert lines == {("A", "1"): [("x", 3)], ("A", "2"): [("z", 1)], ("B", "1"): [("y", 5)]}


def test_a_record_without_owner_costs_itself_when_routing():
    mapping = SMALL.replace("{status: state}", "{total: t}") + "owner: o\n"
    reading = read({"orders": [{"no": "1", "t": "5", "o": "A"}, {"no": "2", "t": "5"}]}, mapping, route="yes")
    assert [one.route for one in reading.routed] == ["A"]
    assert [(bad.number, bad.reason) for bad in reading.bad_rows] == [(2, "record 1 owner: is empty")]


def test_an_order_that_has_left_is_a_parcel_where_nothing_else_tells_of_parcels():
    mapping = SMALL + "statuses: {order: {shipped: [paid, dispatched]}}\n"
    reading = read({"orders": [{"no": "7", "state": "SHIPPED"}]}, mapping)
    parcel = only(ShipmentSeen, reading)
    assert (parcel.ref.order_number, parcel.ref.shipment_id, parcel.dispatched_at) == ("7", "7-1", NOW)


def test_a_refund_is_an_amount_without_a_sign():
    mapping = "format: json\nrecords:\n- return: {order_number: n, refunded_at: at, amount: a, goods: \"'kept'\"}\n"
    back = only(ReturnSeen, read({"n": "1", "at": "2026-11-24T10:00:00Z", "a": "-1,500円"}, mapping))
    assert (back.amount.amount, back.amount.currency, back.goods) == ("1500", "JPY", "kept")
    assert back.ref.return_id == "1-return"


def test_bodies_that_hold_nothing_of_the_mapping_are_ignored_and_broken_ones_unreadable():
    assert read({"stock": []}).ignored
    with pytest.raises(Unreadable):
        read(b"{")
    with pytest.raises(Unreadable, match="no record is good"):
        read({"orders": [{"state": "x"}]})


def test_remarks_name_what_finds_nothing_and_what_was_perhaps_meant():
    mapping = "format: json\nrecords:\n- each: orders[]\n  order: {order_number: nubmer, total: sum}\n"
    said = SOURCE.remarks(delivery({"orders": [{"number": "1"}, {"number": "2"}]}, mapping))
    assert any("nubmer finds nothing in 2 records; did you mean number?" in one for one in said)
    (nothing,) = SOURCE.remarks(delivery({"items": []}, mapping))
    assert "each: orders[] finds nothing; at the top there is: items" in nothing


# --- who may post -----------------------------------------------------------------------------------


def verdict(way, headers, body=b"{}", secrets=("old", "s3cret"), url=""):
    return SOURCE.verify(delivery(body, SMALL + f"verify: {way}\n", headers=headers, url=url), list(secrets), NOW)


def digest(hash_name, body=b"{}"):
    return hmac.new(b"s3cret", body, getattr(hashlib, hash_name))


@pytest.mark.parametrize("hash_name", ["sha256", "sha1", "sha512"])
def test_an_hmac_in_hex_or_base64_with_or_without_prefix(hash_name):
    way = f"{{by: hmac, header: X-Sign, hash: {hash_name}, prefix: 'v=', id: X-Id}}"
    for form in (digest(hash_name).hexdigest(), digest(hash_name).hexdigest().upper(),
                 base64.b64encode(digest(hash_name).digest()).decode()):  # fmt: skip
        assert verdict(way, {"x-sign": f"v={form}", "x-id": "7"}) == Verified(key="7")
        assert verdict(way, {"x-sign": form}) == Verified()
        assert isinstance(verdict(way, {"x-sign": form}, body=b"{ }"), Refused)
        assert isinstance(verdict(way, {"x-sign": form}, secrets=("other",)), Refused)
    assert isinstance(verdict(way, {"x-sign": "é"}), Refused)
    assert isinstance(verdict(way, {}), Refused)


def test_a_secret_in_a_header_in_the_address_or_as_standard_webhooks():
    assert verdict("bearer", {"authorization": "Bearer s3cret"}) == Verified(by="bearer")
    assert isinstance(verdict("bearer", {"authorization": "Basic s3cret"}), Refused)
    assert verdict("{by: header, header: X-Api-Key}", {"x-api-key": "s3cret"}) == Verified(by="header")
    assert isinstance(verdict("{by: header, header: X-Api-Key}", {"x-api-key": "s3cre"}), Refused)
    assert verdict("token", {}, url="https://t.example.jp/in/c?token=s3cret") == Verified(by="url")
    assert isinstance(verdict("token", {}, url="https://t.example.jp/in/c?token=x"), Refused)
    key = base64.b64encode(b"k" * 24).decode()
    stamp = str(int(NOW.timestamp()))
    signed = base64.b64encode(hmac.digest(b"k" * 24, f"m1.{stamp}.{{}}".encode(), "sha256")).decode()
    headers = {"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signed}"}
    assert verdict("standard", headers, secrets=(key,)) == Verified(key="m1")
    assert isinstance(verdict("standard", headers, body=b"[]", secrets=(key,)), Refused)


def test_without_verify_or_without_a_secret_nothing_is_taken():
    posted = delivery({}, headers={"authorization": "Bearer s3cret"})
    assert "verify" in SOURCE.verify(posted, ["s3cret"], NOW).reason
    for way in ("bearer", "token", "{by: hmac, header: X-Sign}", "{by: header, header: X-Key}", "standard"):
        assert isinstance(verdict(way, {"x-key": "", "authorization": "Bearer "}, secrets=("", " ")), Refused)


# --- asking an API ----------------------------------------------------------------------------------

API = (EXAMPLES / "json_wms.yaml").read_text("utf-8")


def mapping(pages, since="{parameter: from, overlap: 10m}"):
    return (
        f"{SMALL}poll:\n  path: /v1/orders\n  auth: {{authorization: 'Bearer {{token}}'}}\n  since: {since}\n"
        f"  pages: {pages}\n  id: no\n  version: v\n  changed_at: v\n"
    )


def order(number, minute=0):
    return {"no": str(number), "state": "NEW", "v": f"2026-11-24T10:{minute:02d}:00Z"}


@pytest.fixture
def api(httpserver: HTTPServer) -> HTTPServer:
    return httpserver


def playing(api: HTTPServer, text: str) -> Iterator[Player]:
    return player({"mapping": text, "url": api.url_for(""), "token": "t0ken"})


def seen(api: HTTPServer) -> list[dict[str, str]]:
    return [dict(request.args) for request, _ in api.log]


def test_counted_pages_until_a_short_one_and_the_next_poll_overlaps(api):
    pages = {"1": [order(1), order(2)], "2": [order(3, 5)]}
    api.expect_request("/v1/orders", headers={"authorization": "Bearer t0ken"}).respond_with_handler(
        lambda request: Response(json.dumps({"orders": pages.get(request.args["page"], [])}))
    )
    text = mapping("{by: page, parameter: page, size: 2, size_parameter: per}")
    with playing(api, text) as one:
        told = one.play(SOURCE.api.poll(one.asking()))
        assert [found.key for found in told.found] == [
            "1@2026-11-24T10:00:00Z", "2@2026-11-24T10:00:00Z", "3@2026-11-24T10:05:00Z",
        ]  # fmt: skip
        assert told.found[2].changed_at == datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
        assert seen(api)[0] == {"from": "2026-10-31T23:50:00Z", "per": "2", "page": "1"}
        again = one.play(SOURCE.api.poll(one.asking(told.cursor)))
    assert seen(api)[2]["from"] == "2026-11-24T09:55:00Z"
    assert again.cursor == told.cursor
    reading = SOURCE.read(delivery(told.found[0].body, text, topic=told.found[0].topic))
    assert reading.unmapped == ("NEW",)


def test_a_poll_that_was_cut_off_goes_on_at_its_page_and_starts_over_where_that_is_gone(api):
    kept = {"": order(1), "2": order(2)}

    def answer(request: Request) -> Response:
        page = request.args.get("cursor", "")
        if page not in kept:
            return Response("no such cursor", status=400)
        return Response(json.dumps({"orders": [kept[page]], "next": "2" if not page and "2" in kept else ""}))

    api.expect_request("/v1/orders").respond_with_handler(answer)
    cut_off = '{"since":"2026-11-24T09:00:00Z","began":"2026-11-24T09:30:00Z","after":"2"}'
    with playing(api, mapping("{by: cursor, parameter: cursor, next: next}")) as one:
        whole = one.play(SOURCE.api.poll(one.asking()))
        assert len(whole.found) == 2
        told = one.play(SOURCE.api.poll(one.asking(cut_off)))
        assert [found.key for found in told.found] == ["2@2026-11-24T10:00:00Z"]
        del kept["2"]
        anew = one.play(SOURCE.api.poll(one.asking(cut_off)))
        assert [found.key for found in anew.found] == ["1@2026-11-24T10:00:00Z"]
        del kept[""]
        with pytest.raises(Unanswered):
            one.play(SOURCE.api.poll(one.asking(cut_off)))


@pytest.mark.parametrize(
    "body",
    [{"orders": [order(1)], "next": "x"}, {"orders": [], "next": "y"}, {"orders": None, "next": "y"}, {}],
)
def test_a_server_that_goes_on_for_ever_is_left(api, body):
    api.expect_request("/v1/orders").respond_with_json(body)
    with playing(api, mapping("{by: cursor, parameter: cursor, next: next}")) as one:
        told = one.play(SOURCE.api.poll(one.asking()))
    assert len(told.found) <= 1
    assert len(seen(api)) <= 2


def test_links_are_followed_on_the_same_host_only(api):
    links = iter(["/v1/orders?p=2", "https://elsewhere.example.com/v1/orders?p=3"])
    counted = iter(range(9))
    api.expect_request("/v1/orders").respond_with_handler(
        lambda _: Response(json.dumps({"orders": [order(next(counted))], "links": {"next": next(links)}}))
    )
    with playing(api, mapping("{by: link, next: links.next}")) as one:
        conversation = SOURCE.api.poll(one.asking())
        with pytest.raises(Unanswered, match="another host"):
            one.play(conversation)
    assert len(seen(api)) == 2


@pytest.mark.parametrize(
    ("form", "sent"),
    [("iso", "2026-11-24T09:50:00Z"), ("unix", "1795513800"), ("unix_ms", "1795513800000"),
     ("'%Y/%m/%d %H:%M'", "2026/11/24 18:50")],
)  # fmt: skip
def test_the_time_to_ask_from_is_written_as_the_system_reads_it(api, form, sent):
    api.expect_request("/v1/orders").respond_with_json({"orders": []})
    text = mapping("{}", since=f"{{parameter: from, form: {form}, overlap: 10m}}")
    with playing(api, text) as one:
        one.play(SOURCE.api.poll(one.asking(since=datetime(2026, 11, 24, 10, tzinfo=UTC))))
    assert seen(api)[0]["from"] == sent


@pytest.mark.parametrize(("status", "why"), [(401, "login"), (429, "rate"), (503, "provider"), (422, "request")])
def test_refusals_say_why(api, status, why):
    api.expect_request("/v1/orders").respond_with_data("no", status=status, headers={"Retry-After": "7"})
    with playing(api, mapping("{}")) as one, pytest.raises(Unanswered) as refused:
        one.play(SOURCE.api.poll(one.asking()))
    assert refused.value.why == why
    assert refused.value.after == (timedelta(seconds=7) if status in (429, 503) else None)


def test_records_without_a_version_are_known_by_what_they_say(api):
    api.expect_request("/v1/orders").respond_with_json(
        {"orders": [{"no": "1", "state": "A"}, {"no": "1", "state": "B"}]}
    )
    text = SMALL + "poll:\n  path: /v1/orders\n  id: no\n"
    with playing(api, text) as one:
        first = one.play(SOURCE.api.poll(one.asking()))
        again = one.play(SOURCE.api.poll(one.asking(first.cursor)))
    keys = [found.key for found in first.found]
    assert len(set(keys)) == 2
    assert [found.key for found in again.found] == keys
    assert all(key.startswith("1@") for key in keys)


def test_the_check_says_what_is_missing(api):
    api.expect_request("/v1/orders").respond_with_json({"data": []})
    with playing(api, mapping("{}")) as one:
        (found,) = one.play(SOURCE.api.check(one.asking())).result
        assert found.level == "error"
        assert "nothing under orders[]; there is: data" in found.what
    with playing(api, SMALL) as one:
        (found,) = one.play(SOURCE.api.check(one.asking())).result
        assert found.level == "warning"
        with pytest.raises(Unanswered, match="no poll"):
            one.play(SOURCE.api.poll(one.asking()))


def test_the_example_is_polled_and_read(api):
    record = {
        "id": "S-1", "updated_at": "2026-11-24T10:00:00Z", "order": {"number": "9"},
        "boxes": [{"box_id": "b", "waybill": "4012", "state": "SHIPPED"}],
    }  # fmt: skip
    api.expect_request("/v1/shipments").respond_with_json({"shipments": [record], "paging": {}})
    with playing(api, API) as one:
        (found,) = one.play(SOURCE.api.poll(one.asking())).found
    assert found.key == "S-1@2026-11-24T10:00:00Z"
    parcel = only(ShipmentSeen, read(found.body, API, topic=found.topic))
    assert (parcel.ref.order_number, parcel.ref.tracking_number) == ("9", "4012")
