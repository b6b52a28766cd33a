"""What is asked of Medusa beside polling: the order that an event names, and whether the key is good."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.talk.asking import ask, ask_json, good, said
from connectors.parts.values.loose import rows, table
from connectors.sources.medusa.asked import get, order, order_of
from connectors.sources.medusa.poll import PAGE, poll
from connectors.sources.medusa.words import known_id
from engine.contracts import Api, Asking, Conversation, Finding, Page

LOOK_BACK = 4  # pages of the newest orders among which a fulfilment is looked for


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """The order that "orders/<id>", "payments/<id>", "returns/<id>" or "fulfillments/<id>" leads to. What an event
    alone has told ("?no_notification=<fulfilment>:yes") goes with it. Nothing is found of what is gone."""
    path, _, hint = ref.partition("?no_notification=")
    kind, _, named = path.partition("/")
    fulfillment, _, answer = hint.partition(":")
    told = {fulfillment: answer == "yes"} if fulfillment else {}
    if kind == "orders":
        order_id: str | None = named
    elif kind == "fulfillments":
        order_id = yield from _order_with(asking, named)
    else:
        order_id = yield from _lead(asking, kind, named)
    if order_id:
        found = yield from order(asking, order_id, told)
        if found:
            yield Page(found=tuple(found))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the key let us read orders and payments?"""
    findings = []
    for kind in ("orders", "payments"):
        answer = yield from ask(get(asking, kind, fields="id", limit=1))
        if answer.code == 401:
            do = "make a secret API key in the admin (Settings, Secret API Keys), then set token=..."
            return (Finding(level="error", what="Medusa refuses the key", do=do),)
        if answer.code == 403:
            findings.append(
                Finding(level="error", what=f"the key may not read {kind}", do="give its owner a role that may")
            )
        elif answer.code == 404:
            do = "set url to the address of the backend, not of the shop front"
            return (Finding(level="error", what="there is no admin API at this address", do=do),)
        else:
            said(good(answer))
            findings.append(Finding(level="ok", what=f"{kind} can be read"))
    return tuple(findings)


def _order_with(asking: Asking, fulfillment: str) -> Conversation[str | None]:
    """The order that has the fulfilment. Medusa answers no question by its id, but shipping has just touched the
    order; one that is not among the newest is found by the next poll."""
    for page in range(LOOK_BACK):
        asked = {"order": "-updated_at", "limit": PAGE, "offset": page * PAGE}
        answer = yield from ask_json(get(asking, "orders", fields="id,fulfillments.id", **asked))
        records = rows(table(answer).get("orders"))
        for one in records:
            if fulfillment in {str(parcel.get("id")) for parcel in rows(one.get("fulfillments"))}:
                return known_id(one.get("id"))
        if len(records) < PAGE:
            break
    return None


def _lead(asking: Asking, kind: str, named: str) -> Conversation[str | None]:
    """The order of a payment or a return."""
    answer = yield from ask(get(asking, kind, named, fields="id,order_id,payment_collection.order.id"))
    if answer.code == 404:
        return None
    return order_of(table(table(said(good(answer))).get(kind.removesuffix("s"))))


API = Api(poll=poll, fetch=fetch, check=check, needs=("url", "token"), settle=timedelta(seconds=2))
