"""`todoke orders` and `todoke why`: what is known of an order, and why it did or did not lead to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import choose, speak
from engine.terminal.speak import Column, Json, Limit, OfMerchant

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.model.merchant import Merchant
    from engine.store.facts import Held
    from engine.store.reports import OrderReport
    from engine.store.session import Tx

orders = typer.Typer(help="Orders, and all that is known of them.", no_args_is_help=True)
Number = Annotated[str, typer.Argument(metavar="ORDER", help="The shop's number: 1001 or '#1001'.")]

COLUMNS = (
    Column("ORDER", lambda row: row["order"], whole=True),
    Column("MERCHANT", lambda row: row["merchant"]),
    Column("STAGE", lambda row: row["stage"], whole=True),
    Column("PLACED", lambda row: speak.moment(row["placed_at"]), whole=True),
    Column("CHANGED", lambda row: speak.moment(row["updated_at"]), whole=True),
    Column("NAME", lambda row: row["name"]),
    Column("MESSAGES", lambda row: row["messages"], whole=True),
)
UNITS = (
    Column("LINE", lambda row: row["name"]),
    Column("ORDERED", lambda row: row["ordered"], whole=True),
    Column("UNSHIPPED", lambda row: row["unshipped"], whole=True),
    Column("SHIPPED", lambda row: ", ".join(f"{n} in {key}" for key, n in row["shipped"].items())),
    Column("CANCELLED", lambda row: row["cancelled"], whole=True),
    Column("RETURNED", lambda row: row["returned"], whole=True),
)
PARCELS = (
    Column("PARCEL", lambda row: row["key"]),
    Column("CARRIER", lambda row: row.get("carrier_name") or row.get("carrier")),
    Column("NUMBER", lambda row: row.get("number"), whole=True),
    Column("STATUS", lambda row: row.get("status", "pending"), whole=True),
    Column("DISPATCHED", lambda row: speak.moment(row.get("dispatched_at")), whole=True),
    Column("DELIVERED", lambda row: speak.moment(row.get("delivered_at")), whole=True),
)
DECISIONS = (
    Column("AT", lambda row: speak.brief(row["at"]), whole=True),
    Column("DECISION", lambda row: row["decision"], whole=True),
    Column("JOURNEY", lambda row: "/".join(filter(None, (row["journey"], row["step"])))),
    Column("WHY", lambda row: _because(row)),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(orders, name="orders")
    app.command()(why)


@orders.command(name="list")
def list_(
    context: typer.Context,
    merchant: OfMerchant = None,
    stage: Annotated[str | None, typer.Option(help="accepted, confirmed, shipped, delivered, trouble, ...")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List orders, last changed first; without --merchant those of all merchants."""
    from engine.store import reports

    with speak.opened(context) as app:
        found: list[tuple[OrderReport, str]] = []
        for one in choose.merchants(app, merchant):
            with app.store.read(one.id) as tx:
                found += [(report, one.slug) for report in reports.list_orders(tx, stage=stage, limit=limit)]
    newest = sorted(found, key=lambda pair: (pair[0].updated_at, pair[0].id), reverse=True)[:limit]
    rows = [
        {
            "order": report.number, "id": report.id, "merchant": slug, "stage": report.stage,
            "placed_at": speak.iso(report.placed_at), "updated_at": speak.iso(report.updated_at), "name": report.name,
            "messages": report.messages,
        }
        for report, slug in newest
    ]  # fmt: skip
    speak.listing(rows, COLUMNS, as_json=as_json, empty="no order yet; type: todoke ingest CONNECTION FILE...")


@orders.command()
def show(context: typer.Context, order: Number, merchant: OfMerchant = None, as_json: Json = False) -> None:
    """Show what is known of an order: its facts, its stage, and where every unit is."""
    with speak.opened(context) as app:
        _, found = _found(app, order, merchant)
        known = [_known(held) for held in found]
    if as_json:
        several = [{**one, "order_id": held.id} for one, held in zip(known, found, strict=True)]
        speak.answer(known[0] if len(known) == 1 else several)
        return
    for one in known:
        _print(one)


def why(context: typer.Context, order: Number, merchant: OfMerchant = None, as_json: Json = False) -> None:
    """Say why messages were sent, and why not."""
    with speak.opened(context) as app:
        owner, found = _found(app, order, merchant)
        with app.store.read(owner.id) as tx:
            by_order = [(held.id, _decisions(app, tx, held.id)) for held in reversed(found)]
    several = len(by_order) > 1
    rows = [{**row, **({"order_id": number} if several else {})} for number, rows in by_order for row in rows]
    columns = (Column("ORDER", lambda row: row["order_id"]), *DECISIONS) if several else DECISIONS
    empty = "nothing was decided about it: no event has started a journey; type: todoke orders show ORDER"
    speak.listing(rows, columns, as_json=as_json, empty=empty)


def _found(app: App, order: str, merchant: str | None) -> tuple[Merchant, list[Held]]:
    from engine.store import reports

    owner = choose.merchant(app, merchant)
    with app.store.read(owner.id) as tx:
        found = reports.find_order(tx, order)
    if not found:
        then = f"todoke orders list --merchant {owner.slug}"
        speak.refuse(f"ORDER {order}: {owner.slug} has no such order", "the number as the shop shows it", then)
    return owner, found


def _known(held: Held) -> dict[str, Any]:
    import msgspec

    from engine.model.facts import Facts
    from engine.rules.units import account

    facts = held.state.facts if held.state else Facts()
    units = {line: msgspec.to_builtins(one) for line, one in account(facts).items()}
    return {**msgspec.to_builtins(facts), "stage": held.stage, "units": units}


def _decisions(app: App, tx: Tx, subject: int) -> list[dict[str, Any]]:
    """Rows of the ledger, the events that were kept from starting anything, in the order of time; at the end what
    stands in the way of those that are due."""
    from engine.flow.limits.waiting import waiting
    from engine.store import reports

    rows = [
        (one.at, {
            "at": speak.iso(one.at), "journey": one.journey, "step": one.step, "decision": one.decision,
            "reason": one.reason, "values": one.values, "message": one.message,
        })
        for one in (*reports.why(tx, subject), *waiting(app, tx, subject))
    ]  # fmt: skip
    rows += [
        (event.recorded_at, {
            "at": speak.iso(event.recorded_at), "journey": None, "step": None, "decision": "muted",
            "reason": event.muted, "message": None,
            "values": {"event": event.key, "occurred_at": speak.iso(event.occurred_at)},
        })
        for event in reports.events(tx, subject)
        if event.muted
    ]  # fmt: skip
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def _because(row: speak.Row) -> str:
    """The reason and what the decision saw: "superseded by ... (asserts=shipment.dispatched)"."""
    seen = {**({"message": row["message"]} if row["message"] else {}), **row["values"]}
    known = [f"{name}={_short(value)}" for name, value in seen.items() if value is not None]
    return " ".join(filter(None, (row["reason"], f"({', '.join(known)})" if known else "")))


def _short(value: Any) -> str:
    """A value as it was seen; a time to the minute in this machine's zone."""
    try:
        return speak.moment(value) if isinstance(value, str) and value else str(value)
    except ValueError:
        return str(value)


def _print(one: dict[str, Any]) -> None:
    order = one["order"]
    people = {role: (order.get(role) or {}).get("name") for role in ("orderer", "recipient", "payer")}
    total = order.get("total")
    lines = {
        "order": order.get("number"), "stage": one["stage"], "placed": speak.moment(order.get("placed_at")),
        "payment": order.get("payment"), "total": f"{total['amount']} {total['currency']}" if total else None,
        **{role: name for role, name in people.items() if name},
    }  # fmt: skip
    for name, value in lines.items():
        typer.echo(f"{name:10} {speak.shown(value)}")
    names = {line["id"]: line["name"] for line in order.get("lines", ())}
    parts = (
        ([{"name": names[line], **units} for line, units in one["units"].items()], UNITS),
        (list(one.get("shipments", {}).values()), PARCELS),
    )
    for rows, columns in parts:
        if rows:
            typer.echo()
            speak.table(rows, columns)
