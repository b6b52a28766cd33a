"""`todoke connections try`: what a file would become, with nothing stored."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.rules.english import Count
from engine.terminal import choose, speak
from engine.terminal.connections import connections
from engine.terminal.speak import Column, Json, Setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.contracts import Source
    from engine.flow.app import App
    from engine.flow.try_read import Becomes, Tried

AGAIN = "todoke connections try FILE --mapping M | --connector NAME | --connection ID"
SHOWN = 60  # rows listed for people; --json has all

COLUMNS = (
    Column("WHAT", lambda row: row["kind"], whole=True),
    Column("OWNER", lambda row: row["owner"]),
    Column("ORDER", lambda row: row["order"]),
    Column("PARCEL", lambda row: row["parcel"]),
    Column("AS OF", lambda row: speak.brief(row["as_of"]), whole=True),
    Column("SAYS", lambda row: row["says"]),
    Column("MISSING", lambda row: ", ".join(row["missing"])),
)


@connections.command(name="try")
def try_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One body, a CSV, or .jsonl of deliveries.")],
    mapping: Annotated[Path | None, typer.Option(help="A mapping file: tries the source `mapped`.")] = None,
    connector: Annotated[str | None, typer.Option(help="Any other source: shopify, csv, ...")] = None,
    connection: Annotated[str | None, typer.Option(help="A connection, with its settings.")] = None,
    settings: Setting = None,
    topic: Annotated[str | None, typer.Option(help="Topic of bodies that bring none.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a file would become; nothing is stored."""
    if sum(one is not None for one in (mapping, connector, connection)) != 1:
        speak.refuse("who is to read it?", "one of --mapping, --connector, --connection", AGAIN)
    for path in filter(None, (file, mapping)):
        if not path.is_file():
            speak.refuse(f"{path}: there is no such file", "a file that can be read", AGAIN)
    with speak.opened(context) as app:
        source, config = _source(app, connector or "mapped", connection)
        config |= dict(speak.pairs(settings, AGAIN))
        if mapping is not None:
            config["mapping"] = _text(mapping)
        if source.misset and (wrong := source.misset(config)):
            speak.refuse(
                wrong, "a mapping that can be used", f"correct {mapping or 'the settings'}, then the same again"
            )
        tried = _try(app, source, file, config, topic)
        zone = config.get("timezone") or source.manifest.time_zone
    told = _told(tried)
    if as_json:
        speak.answer(told)
    else:
        _print(told, zone)
    if not tried.rows and not tried.fetch:
        speak.say("nothing in it can be used")
        raise typer.Exit(1)


def _source(app: App, connector: str, connection: str | None) -> tuple[Source, dict[str, str]]:
    """The source, and the settings of the connection, if one is named."""
    from engine.rules.spelling import meant

    config: dict[str, str] = {}
    if connection is not None:
        found = choose.connection(app, connection)
        connector, config = found.connector, dict(found.config)
        if found.merchant is None:
            config["route"] = "yes"
    if connector not in app.source_names:
        speak.refuse(f"{connector!r} is no source", meant(connector, app.source_names), AGAIN)
    return app.sources(connector), config


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        speak.refuse(f"{path}: not UTF-8", "a text file in UTF-8", AGAIN)


def _try(app: App, source: Source, file: Path, config: dict[str, str], topic: str | None) -> Tried:
    from dataclasses import replace

    from engine.contracts import BadRow, Delivery
    from engine.flow.try_read import Tried, try_read
    from engine.io.recorded import BadLine, recorded

    tried = Tried()
    for one in recorded(file):
        if isinstance(one, BadLine):
            tried.bad_rows.append(BadRow(number=one.line, reason=one.reason))
            continue
        delivery = Delivery(
            body=one.body, headers=one.headers, received_at=app.clock.real(), topic=one.topic or topic, config=config
        )
        told = source.identify(delivery).topic if source.identify else None
        try_read(source, replace(delivery, topic=delivery.topic or told), tried)
    return tried


def _told(tried: Tried) -> dict[str, Any]:
    from msgspec import to_builtins

    rows = [_row(one, to_builtins(one.seen)) for one in tried.rows]
    zoneless = Counter(f"{row['kind']} {name}" for row in rows for name in row["no_zone"])
    missing = Counter(f"{row['kind']} {name}" for row in rows for name in row["missing"])
    return {
        "becomes": dict(Counter(row["kind"] for row in rows)), "rows": rows, "missing": dict(missing),
        "unmapped": dict(tried.unmapped), "no_zone": dict(zoneless), "fetch": tried.fetch,
        "bad_rows": [to_builtins(bad) for bad in tried.bad_rows], "left_out": dict(tried.left_out),
        "remarks": list(tried.remarks),
    }  # fmt: skip


def _row(one: Becomes, plain: dict[str, Any]) -> dict[str, Any]:
    from engine.rules.lacking import lacking, says

    ref = one.seen.ref
    return {
        "kind": plain["kind"], "owner": one.owner, "order": ref.order_number or ref.order_id,
        "parcel": ref.tracking_number or ref.shipment_id or ref.return_id, "as_of": one.seen.as_of.isoformat(),
        "says": says(one.seen), "missing": list(lacking(one.seen)), "no_zone": list(one.no_zone), "observation": plain,
    }  # fmt: skip


def _print(told: dict[str, Any], zone: str | None) -> None:
    rows = told["rows"]
    routed = any(row["owner"] is not None for row in rows)
    if rows:
        speak.table(rows[:SHOWN], [one for one in COLUMNS if one.title != "OWNER" or routed])
        typer.echo()
    if len(rows) > SHOWN:
        typer.echo(f"and {len(rows) - SHOWN} more; --json has them all")
    _line("becomes", [f"{count} {kind}" for kind, count in told["becomes"].items()] or ["nothing"])
    _line("missing", [f"{name} ({count})" for name, count in told["missing"].items()])
    _line("unmapped", [f"{status} ({count})" for status, count in told["unmapped"].items()])
    assumed = f"taken as {zone}: " if zone else ""
    zoneless = ", ".join(f"{name} ({count})" for name, count in told["no_zone"].items())
    _line("no zone", [f"{assumed}{zoneless}"] if zoneless else [])
    _line("to fetch", [f"{Count(told['fetch']):record|records} that the source only names"] if told["fetch"] else [])
    _several("left out", [f"{reason} ({count})" for reason, count in told["left_out"].items()])
    _several("bad rows", [f"line {bad['number']}: {bad['reason']}" for bad in told["bad_rows"][:SHOWN]])
    _several("remarks", told["remarks"][:SHOWN])


def _line(name: str, words: Sequence[str]) -> None:
    if words:
        typer.echo(f"{name:<10}{', '.join(words)}")


def _several(name: str, lines: Sequence[str]) -> None:
    for place, line in enumerate(lines):
        typer.echo(f"{name if place == 0 else '':<10}{line}")
