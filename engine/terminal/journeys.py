"""`todoke journeys`: what is written when, and for whom it is switched on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.rules.english import Count
from engine.terminal import choose
from engine.terminal.speak import Column, Json, Limit, OfMerchant, answer, listing, opened, refuse, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.flow.app import App
    from engine.io.library import Problem
    from engine.model.journey import Journey
    from engine.model.merchant import Merchant

journeys = typer.Typer(help="Journeys: what is sent when, and for which merchants.", no_args_is_help=True)

COLUMNS = (
    Column("JOURNEY", lambda row: row["journey"], whole=True),
    Column("IS", lambda row: "on" if row["enabled"] else "off", whole=True),
    Column("STARTS ON", lambda row: ", ".join(row["events"])),
    Column("ONCE PER", lambda row: row["once_per"], whole=True),
    Column("PURPOSE", lambda row: row["purpose"], whole=True),
    Column("TEMPLATES", lambda row: ", ".join(row["templates"])),
)
Name = Annotated[str, typer.Argument(metavar="JOURNEY")]


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(journeys, name="journeys")


@journeys.command(name="list")
def list_(context: typer.Context, merchant: OfMerchant = None, limit: Limit = 200, as_json: Json = False) -> None:
    """List journeys, and whether they are on for the merchant."""
    from engine.store import runs

    with opened(context) as app:
        chosen: dict[str, bool] = {}
        if merchant or len(choose.merchants(app, None)) == 1:
            with app.store.read(choose.merchant(app, merchant).id) as tx:
                chosen = runs.switches(tx)
        rows = [_row(one, chosen.get(one.name, one.enabled)) for one in list(app.journeys.values())[:limit]]
    listing(rows, COLUMNS, as_json=as_json, empty="no journey file yet; write one under TODOKE_JOURNEYS")


@journeys.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a journey as it is understood, with its defaults."""
    with opened(context) as app:
        journey = _named(app, name)
        file = app.settings.journeys / f"{name}.yaml"
    if as_json:
        answer(journey.model_dump(mode="json", exclude_none=True))
    else:
        typer.echo(file.read_text(encoding="utf-8").rstrip())
        say(f"file: {file}  digest: {journey.digest[:12]}")


@journeys.command()
def check(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help="Without: all there are.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Also: has this merchant told what offers must show?")] = None,
    as_json: Json = False,
) -> None:
    """Check journey files; tells file, line, step and what to write instead."""
    from engine.config import Settings
    from engine.io.templates import BrokenTemplates, load_messages

    settings = Settings()
    try:
        templates = load_messages(settings.templates / "messages")
    except BrokenTemplates as broken:
        refuse("; ".join(broken.problems[:5]), "templates that can be used", "todoke journeys check")
    purposes = {name: template.purpose for name, template in templates.items()}
    count, problems = _checked(settings.journeys, files or (), templates, purposes)
    if merchant is not None and not problems:
        problems = _undisclosed(context, merchant)
    if as_json:
        answer([_problem(one) for one in problems])
    else:
        for one in problems:
            typer.echo(str(one))
    if problems:
        what = f"{Count(len(problems)):problem|problems} in {Count(len({one.file for one in problems})):file|files}"
        refuse(what, "journeys without any; the lines above say how", "todoke journeys check")
    if not as_json:
        typer.echo(f"{Count(count):journey|journeys}, no problems")


@journeys.command()
def enable(context: typer.Context, name: Name, merchant: OfMerchant = None) -> None:
    """Switch a journey on for a merchant, for what happens from now on."""
    _switch(context, name, merchant, on=True)


@journeys.command()
def disable(context: typer.Context, name: Name, merchant: OfMerchant = None) -> None:
    """Switch a journey off for a merchant; runs under way come to their end."""
    _switch(context, name, merchant, on=False)


def _switch(context: typer.Context, name: str, merchant: str | None, *, on: bool) -> None:
    from engine.rules.duties import lacking, to_set
    from engine.store import runs

    with opened(context) as app:
        journey, one = _named(app, name), choose.merchant(app, merchant)
        if on and (missing := lacking(journey.purpose, vars_of(one))):
            told = " and ".join(duty.what for duty in missing)
            refuse(f"{name}: {one.slug} has not told {told}", "what every offer must show", to_set(one.slug, missing))
        with app.store.begin(one.id) as tx:
            runs.switch(tx, journey.name, on, app.clock.now())
    typer.echo(f"{name} is {'on' if on else 'off'} for {one.slug}")


def vars_of(one: Merchant) -> dict[str, Any]:
    """The settings of a merchant by name."""
    return {name: getattr(one.settings, name) for name in one.settings.__struct_fields__}


def _undisclosed(context: typer.Context, slug: str) -> list[Problem]:
    """Journeys that are on for a merchant who has not told what their messages must show."""
    from engine.io.library import Problem
    from engine.rules.duties import lacking, to_set
    from engine.store import runs

    found = []
    with opened(context) as app:
        one = choose.merchant(app, slug)
        with app.store.read(one.id) as tx:
            switched = runs.switches(tx)
        for journey in app.journeys.values():
            missing = lacking(journey.purpose, vars_of(one)) if switched.get(journey.name, journey.enabled) else ()
            if missing:
                told = " and ".join(duty.what for duty in missing)
                found.append(Problem(
                    file=str(app.settings.journeys / f"{journey.name}.yaml"), line=None, step=None, field="purpose",
                    what=f"it is on for {one.slug}, who has not told {told}",
                    hint=f"type: {to_set(one.slug, missing)}",
                ))  # fmt: skip
    return found


def _named(app: App, name: str) -> Journey:
    from engine.rules.spelling import meant

    if name not in app.journeys:
        refuse(f"JOURNEY {name!r}: there is no such journey", meant(name, app.journeys), "todoke journeys list")
    return app.journeys[name]


def _row(one: Journey, enabled: bool) -> dict[str, Any]:
    return {
        "journey": one.name, "title": one.title.model_dump(), "enabled": enabled, "purpose": one.purpose,
        "events": list(one.trigger.event), "once_per": one.once_per,
        "templates": [step.send for step in one.steps if hasattr(step, "send")], "digest": one.digest,
    }  # fmt: skip


def _checked(folder: Path, files: Sequence[Path], templates: Any, purposes: Any) -> tuple[int, Sequence[Problem]]:
    """(journeys that are fine, problems) of these files, or of the whole folder."""
    from engine.io.library import JourneyRefused, Problem, load_journeys, read_journey

    if not files:
        try:
            return len(load_journeys(folder, templates, purposes)), ()
        except JourneyRefused as refused:
            return 0, refused.problems
    count, problems = 0, list[Problem]()
    for path in files:
        try:
            read_journey(path.read_bytes(), str(path), templates, purposes)
            count += 1
        except JourneyRefused as refused:
            problems += refused.problems
        except OSError as error:
            problems.append(Problem(file=str(path), line=None, step=None, field="", what=f"{error.strerror}"))
    return count, problems


def _problem(one: Problem) -> dict[str, Any]:
    return {
        "file": one.file, "line": one.line, "step": one.step, "field": one.field, "what": one.what, "hint": one.hint
    }  # fmt: skip
