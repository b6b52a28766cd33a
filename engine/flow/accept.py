"""T1 accept: a delivery is verified on its raw bytes, stored, committed; only then is it acknowledged.

Many requests at once share one commit: whoever comes while a commit is under way goes into the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from queue import SimpleQueue
from threading import Thread

import structlog

from engine.contracts import Delivery, Refused, Verified
from engine.flow.app import App
from engine.store import inbox, merchants
from engine.store.inbox import Raw
from engine.store.merchants import Connection

log = structlog.get_logger(__name__)
GROUP = 500  # deliveries in one commit at most
LONGEST_KEY = 500  # characters; PostgreSQL indexes no more than 2,704 bytes of a row


@dataclass(frozen=True)
class Reply:
    """What to answer: an HTTP status and a reason for people."""

    status: int
    reason: str


def body_limit(app: App, connection: Connection | None) -> int:
    """How many bytes a body of this connection may have: files may be large, webhooks are not."""
    if connection is None or connection.role != "source":
        return 0
    modes = app.sources(connection.connector).manifest.modes
    return app.settings.max_file if "file" in modes else app.settings.max_body


def judge(app: App, connection: Connection | None, body: bytes, headers: Mapping[str, str]) -> Raw | Reply:
    """Look at one request: the delivery to store, or the answer that ends it."""
    if connection is None or connection.role != "source":
        return Reply(404, "no such connection; see todoke connections")
    source = app.sources(connection.connector)
    limit = body_limit(app, connection)
    if len(body) > limit:
        return Reply(413, f"the body is larger than {limit} bytes")
    if headers.get("content-encoding", "identity") != "identity":
        return Reply(415, "send the body without Content-Encoding")
    delivery = Delivery(body=body, headers=headers, received_at=app.clock.real(), config=connection.config)
    verdict = source.verify(delivery, connection.secrets.get("secret", ()), app.clock.real())
    match verdict:
        case Refused(reason=reason):
            log.warning("delivery.refused", connection=connection.id, reason=reason)
            return Reply(401, reason)
        case Verified(ignore=str(reason)):
            return Reply(200, reason)
        case Verified() as verified:
            return raw_delivery(app, connection, body, headers, verified)


def raw_delivery(
    app: App, connection: Connection, body: bytes, headers: Mapping[str, str], verified: Verified,
    *, backfill: bool = False,
) -> Raw:  # fmt: skip
    """The inbox row of a genuine delivery. Without a delivery id of the source, topic and body name it.

    An id that is too long for an index stands as its digest: one such row would take down its group commit.
    """
    digest = sha256((verified.topic or "").encode() + b"\0" + body).hexdigest()
    key = verified.key or digest
    return Raw(
        connection=connection.id, merchant=connection.merchant,
        dedupe_key=key if len(key) <= LONGEST_KEY else sha256(key.encode()).hexdigest(),
        topic=verified.topic, headers=headers, body=body, received_at=app.clock.now(), verified_by=verified.by,
        backfill=backfill,
    )  # fmt: skip


def keep(app: App, deliveries: Sequence[Raw]) -> set[tuple[str, str]]:
    """Store deliveries in one transaction; returns (connection, dedupe key) of those that were new."""
    new = _commit(app, deliveries)
    app.hints.observe()
    return new


def _commit(app: App, deliveries: Sequence[Raw]) -> set[tuple[str, str]]:
    with app.store.begin() as tx:
        new = inbox.add(tx, deliveries)
        merchants.heard_from(tx, {raw.connection for raw in deliveries}, app.clock.now())
    return new


class Intake:
    """Group commit: one thread writes what has gathered while the last commit ran."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: SimpleQueue[tuple[Raw, Future[None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def put(self, raw: Raw) -> Future[None]:
        """Done when the delivery is committed; holds the exception when it could not be."""
        done: Future[None] = Future()
        self._waiting.put((raw, done))
        return done

    def close(self) -> None:
        """Commit what has gathered and stop."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group = [self._waiting.get()]
            while not self._waiting.empty() and len(group) < GROUP:
                group.append(self._waiting.get())
            stopping = None in group
            self._commit([one for one in group if one is not None])

    def _commit(self, group: list[tuple[Raw, Future[None]]]) -> None:
        if not group:
            return
        try:
            _commit(self._app, [raw for raw, _ in group])
        except Exception as failed:
            log.error("intake.not_stored", deliveries=len(group), error=type(failed).__name__)
            for _, done in group:
                done.set_exception(failed)
            return
        for _, done in group:
            done.set_result(None)
        self._app.hints.observe()  # after the answers: a broker may be slow or away
