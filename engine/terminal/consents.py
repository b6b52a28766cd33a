"""`todoke consent`: what a person has agreed to, with its proof; and writing down what they have said elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from engine.terminal import choose, speak
from engine.terminal.speak import Column, Json, OfMerchant

if TYPE_CHECKING:
    from engine.store.consents import Consent

consent = typer.Typer(help="Consents: what people have agreed to.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(metavar="PERSON", help="Mail address, or telephone number.")]

COLUMNS = (
    Column("AT", lambda row: speak.moment(row["at"]), whole=True),
    Column("SAID", lambda row: "granted" if row["granted"] else "withdrawn", whole=True),
    Column("PURPOSE", lambda row: row["purpose"], whole=True),
    Column("CHANNEL", lambda row: row["channel"], whole=True),
    Column("BASIS", lambda row: row["basis"]),
    Column("WORDING", lambda row: row["wording"]),
    Column("SOURCE", lambda row: row["source"]),
    Column("UNTIL", lambda row: speak.moment(row["expires_at"]), whole=True),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(consent, name="consent")


@consent.command()
def show(context: typer.Context, person: Person, merchant: OfMerchant = None, as_json: Json = False) -> None:
    """Show every consent of a person, oldest first, with its proof (--json)."""
    from engine.flow.consenting import named
    from engine.store import consents

    with speak.opened(context) as app:
        one = choose.merchant(app, merchant)
        with app.store.read(one.id) as tx:
            index = named(tx, person, one.settings.country)
            found = consents.records(tx, [index]) if index else []
    if index is None:
        _nobody(person, "show")
    empty = f"nothing is recorded of this person; type: todoke consent record {person} --purpose promotional ..."
    speak.listing([_row(each) for each in found], COLUMNS, as_json=as_json, empty=empty)


@consent.command()
def record(
    context: typer.Context,
    person: Person,
    purpose: Annotated[Literal["service", "promotional"], typer.Option(help="What for: service or promotional.")],
    basis: Annotated[str, typer.Option(help="How they said it: 'ticked at the till'.")],
    source: Annotated[str, typer.Option(help="Where: a form, a shop, a list.")],
    wording: Annotated[str | None, typer.Option(help="Version of the words they agreed to.")] = None,
    channel: Annotated[str, typer.Option(help="A medium, as email, sms, line; or any.")] = "any",
    at: Annotated[str | None, typer.Option(help="When they said it: 2026-11-22T10:00+09:00; without it now.")] = None,
    expires: Annotated[str | None, typer.Option(help="When it runs out, as --at.")] = None,
    proof: Annotated[str | None, typer.Option(help="What shows it: a file, a scan, a page. Is sealed.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="They have taken it back.")] = False,
    merchant: OfMerchant = None,
    as_json: Json = False,
) -> None:
    """Write down what a person has agreed to, or taken back. Nothing is ever changed or deleted."""
    from engine.flow.consenting import named
    from engine.flow.consenting import record as write
    from engine.model.consent import ANY
    from engine.model.message import MEDIA
    from engine.rules.spelling import meant
    from engine.store.consents import Consent

    again = f"todoke consent record {person} --purpose {purpose} --basis TEXT --source TEXT --wording VERSION"
    if channel not in (*MEDIA, ANY):
        speak.refuse(f"--channel {channel}: there is no such medium", meant(channel, [*MEDIA, ANY]), again)
    if not withdraw and not wording:
        speak.refuse("--wording is missing", "the version of the words that they agreed to",
                     again)  # fmt: skip
    with speak.opened(context) as app:
        one, now = choose.merchant(app, merchant), app.clock.now()
        said_at, until = _time("--at", at, again) or now, _time("--expires", expires, again)
        if said_at > now:
            speak.refuse(f"--at {at}: that is still to come", "when they said it", again)
        with app.store.read(one.id) as tx:
            index = named(tx, person, one.settings.country)
        if index is None:
            _nobody(person, "record")
        made = Consent(
            person=index, channel=channel, purpose=purpose, granted=not withdraw, basis=basis, source=source,
            at=said_at, wording=wording, expires_at=until, proof={"shown_by": proof} if proof else {},
        )  # fmt: skip
        write(app, one.id, [made])
    if as_json:
        speak.answer(_row(made))
    else:
        typer.echo(f"recorded: {purpose} {'withdrawn' if withdraw else 'granted'} ({channel})")


def _nobody(person: str, command: str) -> NoReturn:
    speak.refuse(
        f"PERSON {person}: neither a mail address nor a number that takes messages", "hanako@example.jp, +819012345678",
        f"todoke consent {command} ADDRESS",
    )  # fmt: skip


def _time(option: str, text: str | None, again: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        speak.refuse(f"{option} {text}: no time", "a time with its zone, as 2026-11-22T10:00+09:00", again)
    return at.astimezone(UTC)


def _row(one: Consent) -> dict[str, Any]:
    return {
        "at": speak.iso(one.at), "granted": one.granted, "purpose": one.purpose, "channel": one.channel,
        "basis": one.basis, "wording": one.wording, "source": one.source, "expires_at": speak.iso(one.expires_at),
        "proof": dict(one.proof),
    }  # fmt: skip
