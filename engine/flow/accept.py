"""T1 accept: a delivery is verified on its raw bytes, stored, committed (`flow.intake`); only then is it
acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from engine.contracts import Delivery, Refused, Verified
from engine.flow.app import App
from engine.flow.reader import active_secrets, reader, takes_files
from engine.store import inbox, merchants
from engine.store.inbox import Raw
from engine.store.merchants import Connection

LONGEST_KEY = 500  # characters; PostgreSQL indexes no more than 2,704 bytes of a row


@dataclass(frozen=True)
class Reply:
    """What to answer: an HTTP status and a reason for people. `stale`: the source's keys are to be asked for anew, the
    one that `ask` names where the delivery tells it."""

    status: int
    reason: str
    stale: bool = False
    ask: str | None = None


def body_limit(app: App, connection: Connection | None) -> int:
    """How many bytes a body of this connection may have: files may be large, webhooks are not."""
    if connection is None or reader(app, connection) is None:
        return 0
    return app.settings.max_file if takes_files(app, connection) else app.settings.max_body


def judge(
    app: App, connection: Connection | None, body: bytes, headers: Mapping[str, str], path: str = ""
) -> Raw | Reply:
    """Look at one request: the delivery to store, or the answer that ends it. `path` is the one asked for, with the
    query."""
    reads = reader(app, connection) if connection is not None else None
    if connection is None or reads is None:
        return Reply(404, "no such connection; see todoke connections")
    limit = body_limit(app, connection)
    if len(body) > limit:
        return Reply(413, f"the body is larger than {limit} bytes")
    if headers.get("content-encoding", "identity") != "identity":
        return Reply(415, "send the body without Content-Encoding")
    real = app.clock.real()
    url = f"{app.settings.base_url.rstrip('/')}{path}"
    delivery = Delivery(body=body, headers=headers, received_at=real, config=connection.config, url=url)
    verdict = reads.verify(delivery, active_secrets(app, connection), real)
    match verdict:
        case Refused(stale=True, ask=key):
            return Reply(503, "the keys it is checked by are being renewed; send it again", stale=True, ask=key)
        case Refused(reason=reason):
            return Reply(401, reason)
        case Verified(ignore=str(reason)):
            return Reply(200, reason)
        case Verified() as verified:
            return raw_delivery(app, connection, body, headers, verified)


def greet(app: App, connection: Connection | None, headers: Mapping[str, str], path: str) -> str | None:
    """What to say to a provider that asks whether this address is ours; None to everybody else."""
    if connection is None or connection.role != "channel":
        return None
    feedback = app.channels(connection.connector).feedback
    if feedback is None or feedback.greet is None:
        return None
    url = f"{app.settings.base_url.rstrip('/')}{path}"
    asked = Delivery(body=b"", headers=headers, received_at=app.clock.real(), config=connection.config, url=url)
    return feedback.greet(asked, connection.secrets)


def raw_delivery(
    app: App, connection: Connection, body: bytes, headers: Mapping[str, str], verified: Verified,
    *, backfill: bool = False,
) -> Raw:  # fmt: skip
    """The inbox row of a genuine delivery. Without a delivery id of the source, topic and body name it.

    An id that is too long for an index stands as its digest: one such row would take down its group commit.
    """
    key = verified.key or sha256((verified.topic or "").encode() + b"\0" + body).hexdigest()
    return Raw(
        connection=connection.id, merchant=connection.merchant,
        dedupe_key=key if len(key) <= LONGEST_KEY else sha256(key.encode()).hexdigest(),
        topic=verified.topic, headers=headers, body=body, received_at=app.clock.now(), verified_by=verified.by,
        backfill=backfill,
    )  # fmt: skip


def keep(app: App, deliveries: Sequence[Raw]) -> set[tuple[str, str]]:
    """Store deliveries in one transaction; returns (connection, dedupe key) of those that were new."""
    with app.store.begin() as tx:
        new = inbox.add(tx, deliveries)
        merchants.heard_from(tx, {raw.connection for raw in deliveries}, app.clock.now())
    app.hints.observe()
    return new
