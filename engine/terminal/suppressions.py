"""`todoke suppressions`: addresses at which nothing is sent, why, and taking one up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from engine.terminal import choose, speak
from engine.terminal.speak import Column, Json, OfMerchant

if TYPE_CHECKING:
    from engine.flow.given_up import Suppressed

suppressions = typer.Typer(help="Addresses that nothing is sent to.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(metavar="PERSON", help="Mail address, or telephone number.")]

COLUMNS = (
    Column("SINCE", lambda row: speak.moment(row["at"]), whole=True),
    Column("CHANNEL", lambda row: row["channel"], whole=True),
    Column("SCOPE", lambda row: row["scope"], whole=True),
    Column("REASON", lambda row: row["reason"]),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(suppressions, name="suppressions")


@suppressions.command()
def show(context: typer.Context, person: Person, merchant: OfMerchant = None, as_json: Json = False) -> None:
    """Show what is not sent to a person's address, and why."""
    from engine.flow.given_up import held_back

    with speak.opened(context) as app:
        one = choose.merchant(app, merchant)
        with app.store.read(one.id) as tx:
            found = held_back(tx, person, one.settings.country)
    if found is None:
        _nobody(person, "show")
    speak.listing([_row(each) for each in found], COLUMNS, as_json=as_json, empty=f"nothing is held back from {person}")


@suppressions.command()
def lift(context: typer.Context, person: Person, merchant: OfMerchant = None, as_json: Json = False) -> None:
    """Send to an address again that was dead or given up; what people said themselves stands."""
    from engine.flow.given_up import held_back, take_up

    with speak.opened(context) as app:
        one = choose.merchant(app, merchant)
        with app.store.read(one.id) as tx:
            known = held_back(tx, person, one.settings.country)
        if known is None:
            _nobody(person, "lift")
        lifted, stands = take_up(app, one.id, person, one.settings.country)
    if not lifted:
        what = "only the person takes it back: " + "; ".join(each.reason for each in stands) if stands else "nothing is"
        speak.refuse(f"{person}: nothing was lifted", what, f"todoke suppressions show {person}")
    if as_json:
        speak.answer({"lifted": [_row(each) for each in lifted], "stands": [_row(each) for each in stands]})
    else:
        for each in lifted:
            typer.echo(f"lifted for {each.medium}: {each.reason}")


def _nobody(person: str, command: str) -> NoReturn:
    speak.refuse(
        f"PERSON {person}: neither a mail address nor a number that takes messages", "hanako@example.jp, +819012345678",
        f"todoke suppressions {command} ADDRESS",
    )  # fmt: skip


def _row(one: Suppressed) -> dict[str, Any]:
    return {"at": speak.iso(one.at), "channel": one.medium, "scope": one.scope, "reason": one.reason}
