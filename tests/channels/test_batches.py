"""Many mails in one request: what is made of the requests of each, and what the answer says of each."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import connectors
from engine.contracts import Accepted, Ambiguous, Answer, Batch, Failure, HttpRequest
from engine.model.message import Content, Envelope
from tests.channels.mails import GIVEN, named

SETTINGS = {
    "postmark": {"server_token": "not-a-key-at-all", "broadcast_stream": "broadcast"},
    "resend": {"api_key": "not-a-key-at-all", "url": "http://127.0.0.1:9/base"},
}
NAMES = tuple(SETTINGS)
LIMITS = {"postmark": (500, 50_000_000), "resend": (100, 40_000_000)}
# Of a mail in a batch (Postmark: SendEmailRequest; Resend: SendEmailRequest without what a batch does not take).
FIELDS = {
    "postmark": {"From", "To", "Subject", "Headers", "Metadata", "HtmlBody", "TextBody", "ReplyTo", "MessageStream"},
    "resend": {"from", "to", "subject", "headers", "tags", "html", "text", "reply_to"},
}

words = st.text(st.characters(codec="utf-8"), max_size=40)
mails = st.fixed_dictionaries({
    "to": st.sampled_from(["hanako@hanaya.example", "a.b+c@docomo.ne.jp"]), "to_name": words, "subject": words,
    "html": words, "text": words, "unsubscribe_url": st.sampled_from([None, "https://todoke.example/u/3Jf0aQ"]),
})  # fmt: skip
many = st.lists(mails, min_size=2, max_size=6)


def batch_of(name: str) -> Batch:
    batch = connectors.channel(name).batch
    assert batch is not None
    return batch


def prepared(name: str, told: list[dict[str, Any]]) -> list[HttpRequest]:
    made = []
    for number, one in enumerate(told):
        about = {"to": one["to"], "to_name": one["to_name"], "unsubscribe_url": one["unsubscribe_url"]}
        envelope = msgspec.convert({**GIVEN["envelope"], **about, "id": f"m_{number}"}, Envelope)
        content = Content(subject=one["subject"], html=one["html"], text=one["text"])
        request = connectors.channel(name).prepare(envelope, content, SETTINGS[name])
        assert isinstance(request, HttpRequest)
        made.append(request)
    return made


@pytest.mark.parametrize("name", NAMES)
@given(told=many)
def test_a_batch_holds_every_mail_as_it_would_leave_alone(name, told):
    requests = prepared(name, told)
    whole = batch_of(name).join(requests)
    items = json.loads(whole.body)
    assert items == [json.loads(one.body) for one in requests]
    assert all(set(item) <= FIELDS[name] for item in items)
    assert whole.url == f"{requests[0].url}/batch"
    assert (whole.auth, whole.method) == (requests[0].auth, "POST")
    assert b"not-a-key-at-all" not in msgspec.json.encode(whole)
    assert batch_of(name).join(requests) == whole, "repeated it is the same to the byte"


@given(told=many, data=st.data())
def test_the_key_of_a_batch_stands_for_these_mails_in_this_order_and_these_bytes(told, data):
    requests, join = prepared("resend", told), batch_of("resend").join
    key = join(requests).headers["idempotency-key"]
    assert 1 <= len(key) <= 256
    assert key not in {one.headers["idempotency-key"] for one in requests}
    others = data.draw(st.permutations(requests))
    assert (join(others).headers["idempotency-key"] == key) == (others == requests)
    changed = prepared("resend", [{**told[0], "text": told[0]["text"] + "!"}, *told[1:]])
    assert join(changed).headers["idempotency-key"] != key
    assert join(requests[1:] + requests[:1]).headers["x-batch-validation"] == "permissive"


def test_whoever_takes_a_batch_lets_its_connection_say_how_many():
    for name in connectors.CHANNELS:
        one = connectors.channel(name)
        assert (one.batch is not None) == ("batch" in one.settings["properties"]) == (name in NAMES)
        if one.batch is not None:
            assert (one.transport, one.find) == ("http", None), "what may have left in a batch is not looked for"


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_are_those_of_the_provider(name):
    batch = batch_of(name)
    assert (batch.most, batch.largest) == LIMITS[name]
    assert batch.by_request == (name == "resend"), "Postmark publishes no limit"
    schema = connectors.channel(name).settings["properties"]["batch"]
    assert f"1 to {batch.most}" in schema["title"]


@given(st.lists(st.one_of(st.none(), st.sampled_from([406, 300, 405, 100])), min_size=1, max_size=30))
def test_postmark_says_of_each_what_it_would_say_of_it_alone(codes):
    body = [
        {"ErrorCode": 0, "Message": "OK", "MessageID": f"p_{n}"}
        if code is None
        else {"ErrorCode": code, "Message": "no"}
        for n, code in enumerate(codes)
    ]
    parts = batch_of("postmark").split(Answer(code=200, body=json.dumps(body).encode()), len(codes))
    classify = connectors.channel("postmark").classify
    for place, (code, part) in enumerate(zip(codes, parts, strict=True)):
        assert part is not None
        alone = Answer(code=200 if code is None else 422, body=json.dumps(body[place]).encode())
        assert classify(part) == classify(alone)
        assert (classify(part) == Accepted(ref=f"p_{place}")) == (code is None)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.randoms())
def test_resend_names_the_places_of_those_that_it_refused(good, chance):
    errors = [{"index": n, "message": "The `to` field is missing."} for n, taken in enumerate(good) if not taken]
    chance.shuffle(errors)
    body = {"data": [{"id": f"e_{n}"} for n, taken in enumerate(good) if taken], "errors": errors}
    if not errors and chance.random() < 0.5:
        del body["errors"]
    parts = batch_of("resend").split(Answer(code=200, body=json.dumps(body).encode()), len(good))
    for place, (taken, part) in enumerate(zip(good, parts, strict=True)):
        assert (part is not None) == taken
        if part is not None:
            assert named(connectors.channel("resend").classify(part)) == ("accepted", f"e_{place}")


ODD = [
    b"", b"null", b"{}", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"data": {}}', b'{"data": null}', b"<html></html>",
    b'{"data": [], "errors": [{"index": "0"}]}', b'{"data": [{"id": "e"}], "errors": [{"index": 9}]}',
    b'{"data": [{"id": "e"}, {"id": "f"}], "errors": [{"index": 0}]}', b'{"data": [{"id": "e"}], "errors": [{}]}',
    b'[{"ErrorCode": 0, "MessageID": "p"}]', b'{"ErrorCode": 0, "MessageID": "p"}', b'{"data": [{"id": "e"}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=lambda body: body[:30].decode("latin-1"))
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_cannot_be_told_apart_says_nothing_of_anybody(name, body):
    parts = batch_of(name).split(Answer(code=200, body=body), 2)
    assert len(parts) == 2
    assert all(isinstance(part, Failure) for part in parts)
    classify = connectors.channel(name).classify
    assert all(isinstance(classify(part), Ambiguous) for part in parts if part is not None)


@pytest.mark.parametrize("name", NAMES)
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["data", "errors", "index", "id", "ErrorCode"]), inner, max_size=3)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    count=st.integers(2, 4),
)
def test_whatever_comes_back_there_is_one_part_for_each_mail(name, body, count):
    parts = batch_of(name).split(Answer(code=200, body=body), count)
    assert len(parts) == count


@pytest.mark.parametrize("name", NAMES)
def test_one_bad_item_leaves_the_others_theirs(name):
    odd = {
        "postmark": b'[{"ErrorCode": 0, "MessageID": "p_0"}, 7, {"ErrorCode": 0}]',
        "resend": b'{"data": [{"id": "p_0"}, 7, {"ids": 0}]}',
    }[name]
    parts = batch_of(name).split(Answer(code=200, body=odd), 3)
    classify = connectors.channel(name).classify
    told = [named(classify(part)) for part in parts if part is not None]
    assert told == [("accepted", "p_0"), ("ambiguous", ""), ("ambiguous", "")]


def test_two_mistakes_of_one_mail_are_one_refusal():
    body = b'{"data": [{"id": "e"}], "errors": [{"index": 0, "message": "to"}, {"index": 0, "message": "from"}]}'
    parts = batch_of("resend").split(Answer(code=200, body=body), 2)
    assert [part is None for part in parts] == [True, False]
