"""`todoke preview`, `send-test`, `lint`: a template as a customer would get it, over any medium."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.rules.english import Count
from engine.terminal import choose
from engine.terminal.speak import Column, Json, OfMerchant, answer, listing, opened, refuse, say

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.model.message import Content, Medium

Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="A folder of templates/messages.")]
Locale = Annotated[str, typer.Option(help="ja or en.")]
Sample = Annotated[str | None, typer.Option(help="One of the template's samples; without it the first.")]
Channel = Annotated[str, typer.Option("--channel", help="email, line, sms, push, team, ...")]

COLUMNS = (
    Column("TEMPLATE", lambda row: row["template"], whole=True),
    Column("CHANNEL", lambda row: row["channel"], whole=True),
    Column("LOCALE", lambda row: row["locale"]),
    Column("SAMPLE", lambda row: row["sample"]),
    Column("LEVEL", lambda row: row["level"]),
    Column("WHAT", lambda row: row["what"]),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.command()(preview)
    app.command(name="send-test")(send_test)
    app.command()(lint)


def preview(
    context: typer.Context,
    template: Template,
    channel: Channel = "email",
    locale: Locale = "ja",
    sample: Sample = None,
    order: Annotated[str | None, typer.Option(help="Fill it with this order of the merchant instead.")] = None,
    merchant: OfMerchant = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML part to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show a message template with a sample or a real order."""
    from engine.flow.specimen import objections, of_order
    from engine.rules.content import render

    with opened(context) as app:
        medium = _medium(app, template, channel, locale)
        name, values = _sample(app.settings.templates / "messages", template, app.templates, locale, sample)
        if order is not None:
            owner = choose.merchant(app, merchant)
            try:
                name, values = order, of_order(app, owner, order, locale)
            except LookupError as none:
                refuse(str(none), "the shop's number of an order", f"todoke orders list --merchant {owner.slug}")
        try:
            content = render(app.templates[template], locale, values, medium)
        except ValueError as wrong:
            refuse(f"{template}, {name}: {wrong}", "everything the template needs", f"todoke preview {template}")
        found = list(objections(app, template, medium, content))
    if html:
        _write(html, content, template)
    if as_json:
        answer({
            "template": template, "sample": name, "locale": locale, "channel": channel, "subject": content.subject,
            "preheader": content.preheader, "text": content.text, "html": content.html, "payload": content.payload,
            "remarks": [{"level": one.level, "what": one.what} for one in found],
        })  # fmt: skip
        return
    _show(medium, content)
    for one in found:
        say(f"{one.level}: {one.what}")


def send_test(
    context: typer.Context,
    template: Template,
    to: Annotated[str, typer.Option(help="Address that gets it: a mail address, a number, a LINE user id.")],
    channel: Channel = "email",
    merchant: OfMerchant = None,
    locale: Locale = "ja",
    sample: Sample = None,
) -> None:
    """Send a sample by the merchant's channel."""
    from engine.contracts import Accepted
    from engine.flow.trial import send_sample

    again = f"todoke send-test {template} --to ADDRESS"
    with opened(context) as app:
        owner = choose.merchant(app, merchant)
        medium = _medium(app, template, channel, locale)
        _, values = _sample(app.settings.templates / "messages", template, app.templates, locale, sample)
        try:
            connection, subject, outcome = send_sample(app, owner, template, locale, values, to, medium)
        except LookupError as none:
            known = "smtp" if medium == "email" else "CONNECTOR"
            refuse(str(none), "a channel", f"todoke connect {known} --merchant {owner.slug} --set KEY=VALUE")
        except ValueError as wrong:
            refuse(f"it cannot be sent: {wrong}", "an address and a merchant that the channel can carry", again)
    if not isinstance(outcome, Accepted):
        said = " ".join(str(getattr(outcome, name, None) or "") for name in ("code", "detail", "reason"))
        refuse(f"{connection.id}: {type(outcome).__name__.lower()}: {said}", "a server that takes it", again)
    typer.echo(f"sent by {connection.id} to {to}: {subject}")


def lint(
    context: typer.Context,
    template: Annotated[str | None, typer.Argument(metavar="[TEMPLATE]", help="Without it all of them.")] = None,
    as_json: Json = False,
) -> None:
    """Say what of the templates would be read badly, cost more, or be refused by a channel."""
    with opened(context) as app:
        if template is not None and template not in app.templates:
            _sample(app.settings.templates / "messages", template, app.templates, "ja", None)
        rows = [row for name in ([template] if template else app.templates) for row in _remarks(app, name)]
    listing(rows, COLUMNS, as_json=as_json, empty="nothing to say of any template")
    if any(row["level"] == "error" for row in rows):
        raise typer.Exit(1)


def _remarks(app: App, name: str) -> Iterator[dict[str, Any]]:
    """A row for every remark, of the first sample that earns it."""
    from engine.flow.specimen import objections
    from engine.io.samples import load_samples
    from engine.io.templates import LOCALES
    from engine.rules.content import render

    seen: set[tuple[str, str, str]] = set()
    for locale in LOCALES:
        for sample, values in load_samples(app.settings.templates / "messages", name, locale).items():
            for medium in sorted(app.templates[name].media - {"review"}):
                for one in objections(app, name, medium, render(app.templates[name], locale, values, medium)):
                    if (medium, locale, one.what) in seen:
                        continue
                    seen.add((medium, locale, one.what))
                    yield {
                        "template": name, "channel": medium, "locale": locale, "sample": sample, "level": one.level,
                        "what": one.what,
                    }  # fmt: skip


def _show(medium: Medium, content: Content) -> None:
    import json

    if medium == "email":
        typer.echo(f"{content.subject}\n{content.preheader}\n\n{content.text.rstrip()}")
    elif content.payload is not None:
        typer.echo(json.dumps(content.payload, ensure_ascii=False, indent=2))
    else:
        from engine.model.segments import counted

        typer.echo(content.text)
        if medium == "sms":
            size, parts = Count(len(content.text)), Count(counted(content.text).segments)
            say(f"{size:character|characters}, {parts:part|parts}")


def _write(html: Path, content: Content, template: str) -> None:
    try:
        html.write_text(content.html or "", encoding="utf-8")
    except OSError as error:
        then = f"todoke preview {template} --html FILE"
        refuse(f"--html {html}: {error.strerror}", "a file that can be written", then)
    say(f"HTML: {html}")


def _medium(app: App, template: str, channel: str, locale: str) -> Medium:
    from typing import cast

    from engine.model.message import MEDIA
    from engine.rules.spelling import meant

    known = app.templates[template].media - {"review"} if template in app.templates else set(MEDIA)
    if channel not in known:
        written = f"{template}/{channel}.{locale}.json.j2 or .txt.j2"
        hint = meant(channel, known) if channel not in MEDIA else f"{', '.join(sorted(known))}; or write {written}"
        refuse(f"--channel {channel}: {template} has no edition for it", hint, f"todoke preview {template}")
    return cast("Medium", channel)


def _sample(
    folder: Path, template: str, templates: Collection[str], locale: str, sample: str | None
) -> tuple[str, Mapping[str, Any]]:
    """(name, context) of the sample that is meant."""
    from engine.io.samples import load_samples
    from engine.io.templates import LOCALES
    from engine.rules.spelling import meant

    again = f"todoke preview {template}"
    if template not in templates:
        known = meant(template, templates)
        refuse(f"TEMPLATE {template!r}: there is no such template", known, "todoke preview TEMPLATE")
    if locale not in LOCALES:
        refuse(f"--locale {locale}: templates are not written in it", " or ".join(LOCALES), f"{again} --locale ja")
    try:
        samples = load_samples(folder, template, locale)
    except (OSError, ValueError) as wrong:
        refuse(f"{folder / template / 'sample.json'}: {wrong}", "samples as JSON", again)
    name = sample or next(iter(samples), "")
    if name not in samples:
        refuse(f"--sample {name}: {template} has no such sample", meant(name, samples), f"{again} --sample NAME")
    return name, samples[name]
