"""`todoke link`: an address that a customer has linked elsewhere: a LINE account, a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.terminal import choose
from engine.terminal.speak import OfMerchant, opened, refuse

if TYPE_CHECKING:
    from engine.flow.app import App

MEDIA = ("line", "push")


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    app.command()(link)


def link(
    context: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="An order of the person, by the shop's number.")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="LINE user id, or a push subscription as JSON.")],
    medium: Annotated[str, typer.Option("--channel", help="line or push.")] = "line",
    merchant: OfMerchant = None,
) -> None:
    """Note that an address belongs to the person who placed an order."""
    from engine.flow.endpoint import LINK, link_to
    from engine.store import reports
    from engine.store.people import Link

    again = f"todoke link {order} ADDRESS"
    if medium not in MEDIA:
        refuse(f"--channel {medium}: such addresses are not linked", " or ".join(MEDIA), again)
    with opened(context) as app:
        owner = choose.merchant(app, merchant)
        with app.store.read(owner.id) as tx:
            found = reports.find_order(tx, order)
        if not found:
            refuse(f"{owner.slug} has no order {order}", "the shop's number of an order", "todoke orders list")
        address = _kept(app, owner.id, medium, address, again)
        made = Link(kind=LINK, merchant=owner.id, subject=found[0].id, message=None)
        done = app.store.commit(lambda tx: link_to(tx, made, medium, address, app.clock.now()), owner.id)
        if not done:
            what = f"of the person behind {order} neither a mail address nor a mobile number is known"
            refuse(what, "an order with one of them", again)
    typer.echo(f"linked {medium} to the person behind {order}")


def _kept(app: App, merchant: int, medium: str, address: str, again: str) -> str:
    """The address as it is kept, judged by the connection that carries the medium, where there is one that can."""
    from engine.flow.linking import doors

    with app.store.read(merchant) as tx:
        door = next((one for one in doors(app, tx) if one.medium == medium), None)
    try:
        return door.address(address) if door else address
    except ValueError as wrong:
        refuse(f"ADDRESS: {wrong}", "a LINE user id, or PushSubscription.toJSON() of a browser", again)
