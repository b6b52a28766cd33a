"""`todoke connections assign`: say whose a goods owner's records are."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.rules.english import Count
from engine.terminal import choose, speak
from engine.terminal.connections import connections


@connections.command()
def assign(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="Its id; see todoke connections.")],
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="The goods owner, as the source calls it.")],
    merchant: Annotated[str, typer.Argument(metavar="MERCHANT", help="Slug.")],
    no_work: Annotated[bool, typer.Option("--no-work", help="Leave what waited for it to a worker.")] = False,
) -> None:
    """Route a goods owner's records to a merchant, those that waited for it as well."""
    from engine.flow.assign import assign as route
    from engine.flow.catch_up import catch_up

    with speak.opened(context) as app:
        one = choose.connection(app, connection)
        if one.role != "source" or "routing" not in app.sources(one.connector).manifest.capabilities:
            what = f"{connection}: it does not tell goods owners apart"
            speak.refuse(what, "a connection of a source that routes, as csv", "todoke connections")
        if one.merchant is not None:
            whose = choose.slugs(app)[one.merchant]
            speak.refuse(
                f"{connection}: all that it delivers belongs to {whose}", "a connection of the operator's",
                f"todoke connect {one.connector} --shared --set route=yes",
            )  # fmt: skip
        choose.merchants(app, merchant)
        if not no_work:
            len(app.journeys)  # broken ones are refused before anything is changed
        count = route(app, connection, owner, merchant)
        if count and not no_work:
            catch_up(app)
    waited = f"{Count(count or 0):delivery that waited for it is|deliveries that waited for it are} worked on"
    typer.echo(f"{owner} is {merchant}'s; {waited}")
