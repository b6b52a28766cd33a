"""The standard source: who may speak, in which envelope, and how much spelling is forgiven."""

import base64
import hashlib
import hmac
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.standard import SOURCE
from connectors.sources.standard.decode import words
from engine.contracts import (
    Delivery,
    Observation,
    OrderSeen,
    Refused,
    ReturnSeen,
    ScanSeen,
    ShipmentSeen,
    Unreadable,
)
from engine.contracts import Verified as Genuine
from engine.model.event import EVENT_TYPES
from engine.rules.observation_schema import observation_schema, observation_schema_text

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "connectors/sources/standard/observation.schema.json"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NOON = "2026-11-24T12:00:00+09:00"

# The vector that the Standard Webhooks specification's own libraries test with.
KEY = "MfKQ9r8GKYqrTwjUPD8IL" + "PZIo2LaLaSw"
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_TIME = datetime.fromtimestamp(1614265330, UTC)


def delivery(body, headers=None, topic=None, **config):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(body=raw, headers=headers or {}, received_at=NOW, topic=topic, config=config)


def read(body, headers=None, topic=None, **config):
    return SOURCE.read(delivery(body, headers, topic, **config))


def event(kind, data=None, **attributes):
    told = {"specversion": "1.0", "id": "1", "source": "/wms", "type": kind, "time": NOON, "subject": "1001"}
    return {**told, "data": data if data is not None else {}, **attributes}


def only(body, *args, **kwargs):
    (one,) = read(body, *args, **kwargs).observations
    return one


def signed(body, secret, at=NOW, name="msg_1"):
    stamp = str(int(at.timestamp()))
    digest = hmac.new(base64.b64decode(secret), f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}


# --- who may speak --------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [KEY, "whsec" + "_" + KEY, f" {KEY} "])
def test_the_published_vector_is_genuine(secret):
    verdict = SOURCE.verify(delivery(VECTOR_BODY, VECTOR), [secret], VECTOR_TIME)
    assert verdict == Genuine(key=VECTOR["webhook-id"])


@pytest.mark.parametrize("minutes", [-5, 5])
def test_the_clock_may_differ_by_five_minutes_and_no_second_more(minutes):
    at = VECTOR_TIME + timedelta(minutes=minutes)
    beyond = at + timedelta(seconds=1 if minutes > 0 else -1)
    assert isinstance(SOURCE.verify(delivery(VECTOR_BODY, VECTOR), [KEY], at), Genuine)
    assert "5 minutes" in SOURCE.verify(delivery(VECTOR_BODY, VECTOR), [KEY], beyond).reason


def test_any_signature_may_match_any_secret():
    old, new = (base64.b64encode(word * 8).decode() for word in (b"old.", b"new."))
    body = b"{}"
    both = {**signed(body, old)}
    both["webhook-signature"] = f"v1a,AAAA v1,AAAA {both['webhook-signature']}"
    assert isinstance(SOURCE.verify(delivery(body, both), [new, old], NOW), Genuine)
    assert isinstance(SOURCE.verify(delivery(body, both), [new], NOW), Refused)


@pytest.mark.parametrize(
    ("changed", "secrets", "says"),
    [
        ({}, [], "--set secret"),
        ({}, ["", " "], "--set secret"),
        ({}, ["not base64!"], "not base64"),
        ({}, ["whsec" + "_"], "not base64"),  # an empty key would let everybody in
        ({"webhook-id": "msg_other"}, [KEY], "matches"),
        ({"webhook-timestamp": "1614265331"}, [KEY], "matches"),
        ({"webhook-timestamp": "soon"}, [KEY], "unix seconds"),
        ({"webhook-timestamp": "9" * 30}, [KEY], "unix seconds"),
        ({"webhook-timestamp": "9" * 12}, [KEY], "5 minutes"),
        ({"webhook-signature": "v1a,AAAA"}, [KEY], "v1a is not read"),
        ({"webhook-signature": ""}, [KEY], "webhook-signature missing"),
    ],
)
def test_a_refusal_says_what_to_do(changed, secrets, says):
    verdict = SOURCE.verify(delivery(VECTOR_BODY, {**VECTOR, **changed}), secrets, VECTOR_TIME)
    assert isinstance(verdict, Refused)
    assert says in verdict.reason


def test_a_bearer_token_is_the_secret_and_never_outweighs_a_signature():
    plain = {"authorization": f"Bearer {KEY}"}
    assert SOURCE.verify(delivery(b"{}", plain), [KEY], NOW) == Genuine(by="bearer")
    assert isinstance(SOURCE.verify(delivery(b"{}", {"authorization": "Bearer x"}), [KEY], NOW), Refused)
    assert isinstance(SOURCE.verify(delivery(b"{}", {"authorization": KEY}), [KEY], NOW), Refused)
    forged = {**plain, "webhook-signature": "v1,AAAA"}
    assert isinstance(SOURCE.verify(delivery(b"{}", forged), [KEY], NOW), Refused)


# --- envelopes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["id", "source", "type", "specversion"])
def test_an_event_without_a_required_attribute_is_unreadable(missing):
    body = {name: value for name, value in event("order.paid").items() if name != missing}
    with pytest.raises(Unreadable, match=rf"\$\.{missing}"):
        read(body, {"content-type": "application/cloudevents+json"})


def test_every_mode_says_the_same():
    data = {"ref": {"order_number": "1001"}, "total": {"amount": "8800", "currency": "JPY"}}
    told = event("order.paid", data)
    encoded = {**told, "data": None, "data_base64": base64.b64encode(json.dumps(data).encode()).decode()}
    headers = {f"ce-{name}": str(told[name]) for name in told if name != "data"}
    modes = [
        read(told, {"content-type": "application/cloudevents+json; charset=UTF-8"}),
        read(told, {"content-type": "application/json"}),
        read([told], {"content-type": "application/cloudevents-batch+json"}),
        read([told]),
        read(encoded),
        read(data, {**headers, "content-type": "application/json"}),
        read({"type": "order.paid", "timestamp": NOON, "data": data}),
    ]
    assert [one.observations for one in modes] == [modes[0].observations] * len(modes)
    assert modes[0].observations[0].payment == "paid"


def test_a_batch_names_the_event_that_is_wrong():
    with pytest.raises(Unreadable, match=r"\$\[1\]\.data\.total\.amount"):
        read([event("order.paid"), event("order.paid", {"total": {"amount": "many", "currency": "JPY"}})])


@pytest.mark.parametrize(
    "body", [event("com.example.stock.changed", {"sku": "A"}), {"sku": "A"}, [], event("order.archived")]
)
def test_what_is_not_ours_is_ignored_with_a_reason(body):
    reading = read(body)
    assert reading.observations == ()
    assert reading.ignored


# --- event types ----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["delivered", "out_for_delivery", "delivery_failed", "ready_for_pickup"])
@pytest.mark.parametrize("form", ["shipment.{}", "jp.example.shipment.{}.v1", "Shipment.{}", "shipments/{}"])
def test_a_status_verb_is_a_scan_at_the_time_of_the_event(form, verb):
    seen = only(event(form.format(verb), {"tracking_number": 401234567890}))
    assert isinstance(seen, ScanSeen)
    assert (seen.status, seen.as_of) == (verb, datetime.fromisoformat(NOON))
    assert (seen.ref.tracking_number, seen.ref.order_number) == ("401234567890", "1001")


def test_camel_case_is_read():
    assert only(event("shipment.outForDelivery")).status == "out_for_delivery"


def test_a_scan_with_a_snapshot_of_the_parcel_is_both():
    data = {"tracking_number": "4", "carrier": "佐川急便", "delivered_at": "2026-11-24 11:00", "leg": 1}
    parcel, scan = read(event("shipment.delivered", data)).observations
    assert (parcel.carrier, parcel.carrier_name, parcel.dispatched_at) == ("sagawa", "佐川急便", None)
    assert (scan.status, scan.as_of.isoformat()) == ("delivered", "2026-11-24T11:00:00+09:00")


@pytest.mark.parametrize(
    ("kind", "cls", "field"),
    [
        ("order.created", OrderSeen, "placed_at"),
        ("order.paid", OrderSeen, "paid_at"),
        ("order.cancelled", OrderSeen, "cancelled_at"),
        ("shipment.dispatched", ShipmentSeen, "dispatched_at"),
        ("return.requested", ReturnSeen, "requested_at"),
        ("return.received", ReturnSeen, "received_at"),
        ("return.refunded", ReturnSeen, "refunded_at"),
    ],
)
def test_a_verb_fills_its_moment_unless_the_data_tells_it(kind, cls, field):
    seen = only(event(kind))
    assert isinstance(seen, cls)
    assert getattr(seen, field) == datetime.fromisoformat(NOON)
    told = only(event(kind, {field: "2026-11-20T00:00:00Z"}))
    assert getattr(told, field) == datetime(2026, 11, 20, tzinfo=UTC)


def test_every_event_type_about_an_order_parcel_or_return_can_be_posted():
    derived = {"order.delivered"}  # follows from the parcels
    ours = {name for name in EVENT_TYPES if name.split(".")[0] in ("order", "shipment", "return")} - derived
    assert ours <= set(words()["types"])
    for name in ours:
        assert read(event(name)).observations, name


def test_data_that_says_its_kind_needs_no_type_of_ours():
    lost = {"kind": "scan", "ref": {"shipment_id": 6}, "status": "lost"}
    order, scan = read(event("x.sync", [{"kind": "order", "ref": {"order_id": 5}}, lost])).observations
    assert order.ref.order_id == "5"
    assert scan.status == "lost"


# --- spelling -------------------------------------------------------------------------------------


def test_times_without_an_offset_take_the_zone_of_the_connection():
    data = {"kind": "order", "ref": {"order_id": "1"}, "as_of": "2026-11-24 09:00:00"}
    assert only(data).as_of.isoformat() == "2026-11-24T09:00:00+09:00"
    assert only(data, timezone="Europe/Berlin").as_of.isoformat() == "2026-11-24T09:00:00+01:00"
    assert only({**data, "as_of": 1795478400}).as_of == datetime.fromtimestamp(1795478400, UTC)
    with pytest.raises(Unreadable, match="Asia/Tokyo"):
        read(data, timezone="Moon/Crater")


def test_without_any_time_the_moment_of_arrival_counts():
    assert only({"kind": "order", "ref": {"order_id": "1"}}).as_of == NOW


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("lines", [{"id": 1, "name": "茶", "quantity": "two"}], r"\$\.lines\[0\]\.quantity"),
        ("lines", [{"id": 1, "quantity": 2}], r"\$\.lines\[0\].*`name`"),
        ("lines", "茶", r"\$\.lines: expected an array"),
        ("orderer", [1], r"\$\.orderer: expected an object"),
        ("placed_at", "yesterday-4711", r"\$\.placed_at: expected a time"),
        ("total", {"amount": "secret-4711", "currency": "JPY"}, r"\$\.total\.amount"),
        ("ref", {}, r"\$\.ref: names nothing"),
        ("payment", 5, r"\$\.payment"),
    ],
)
def test_a_wrong_type_is_named_by_its_path_and_not_repeated(field, value, path):
    with pytest.raises(Unreadable, match=path) as caught:
        read({"kind": "order", "ref": {"order_id": 1}, "as_of": NOON, field: value})
    assert "4711" not in str(caught.value)


def test_unknown_words_are_kept_and_reported():
    reading = read({"kind": "scan", "ref": {"shipment_id": 1}, "as_of": NOON, "status": "Teleported"})
    assert (reading.observations[0].status, reading.observations[0].raw_code) == ("unknown", "Teleported")
    assert reading.unmapped == ("Teleported",)
    assert read({"kind": "order", "ref": {"order_id": 1}, "payment": "bartered"}).unmapped == ("bartered",)


def test_a_link_with_another_scheme_is_left_out():
    assert only({"kind": "shipment", "ref": {"shipment_id": 1}, "url": "javascript:alert(1)"}).url is None


SCHEMA_ORG = {"@context": "https://schema.org", "@type": "Order", "orderNumber": "S-1"}


@pytest.mark.parametrize("prefix", ["", "https://schema.org/", "http://schema.org/"])
@pytest.mark.parametrize(
    ("status", "kind", "field", "value"),
    [
        ("OrderPaymentDue", OrderSeen, "payment", "pending"),
        ("OrderProblem", OrderSeen, "on_hold", True),
        ("OrderCancelled", OrderSeen, "cancelled_at", NOW),
        ("OrderInTransit", ShipmentSeen, "dispatched_at", NOW),
        ("OrderPickupAvailable", ScanSeen, "status", "ready_for_pickup"),
        ("OrderDelivered", ScanSeen, "status", "delivered"),
        ("OrderReturned", ReturnSeen, "received_at", NOW),
    ],
)
def test_schema_org_statuses(prefix, status, kind, field, value):
    found = read({**SCHEMA_ORG, "orderStatus": prefix + status}).observations
    assert [getattr(one, field) for one in found if isinstance(one, kind)] == [value]


def test_schema_org_in_a_graph_with_an_offer():
    offer = {"price": 1620, "priceCurrency": "JPY", "itemOffered": {"name": "Tea", "sku": "T"}}
    parcel = {"@type": "ParcelDelivery", "trackingNumber": "9", "partOfOrder": {"orderNumber": "S-1"}}
    order, shipment = read({"@graph": [{**SCHEMA_ORG, "acceptedOffer": offer}, parcel]}).observations
    assert msgspec.to_builtins(order.lines[0]) == {
        "id": "T", "name": "Tea", "quantity": 1, "sku": "T", "price": {"amount": "1620", "currency": "JPY"},
    }  # fmt: skip
    assert (shipment.ref.order_number, shipment.ref.tracking_number) == ("S-1", "9")
    assert read({**SCHEMA_ORG, "orderStatus": "OrderTeleported"}).unmapped == ("OrderTeleported",)


# --- the published schema and page ----------------------------------------------------------------


def test_the_published_schema_is_fresh():
    if os.environ.get("TODOKE_TEST_ACCEPT") == "1":
        PUBLISHED.write_text(observation_schema_text(), "utf-8")
    assert PUBLISHED.read_text("utf-8") == observation_schema_text()


def test_the_schema_describes_every_field_and_every_moment():
    schema = observation_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    fields = [field for one in schema["$defs"].values() for field in one["properties"].items()]
    assert all(described.get("description") for _, described in fields)
    moments = [described for name, described in fields if name.endswith("_at") or name == "as_of"]
    assert moments
    assert all('"date-time"' in json.dumps(described) for described in moments)


def test_the_page_shows_what_can_be_posted():
    page = (ROOT / "docs/observations.md").read_text("utf-8")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert len(shown) == 2
    schema = observation_schema()
    for one in shown:
        reading = read(one)
        assert reading.observations
        assert not reading.unmapped
    jsonschema.validate(shown[0], schema)


KEYS = st.sampled_from(["kind", "ref", "as_of", "data", "type", "lines", "@type", "status"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@given(st.sampled_from(["order", "shipment", "scan", "return"]), json_values, json_values)
def test_whatever_stands_in_it_is_read_or_unreadable(kind, ref, value):
    body = {"kind": kind, "ref": ref, "status": value, "contents": value, "lines": value, "carrier": value}
    for one in (body, event("shipment.delivered", value), {**SCHEMA_ORG, "orderDelivery": value}):
        try:
            found = read(one).observations
        except Unreadable:
            continue
        assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[Observation, ...]) == found
