"""`todoke preview` and `todoke send-test`: a template as a customer would get it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.terminal import choose
from engine.terminal.speak import Json, OfMerchant, answer, opened, refuse, say

Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="A folder of templates/messages.")]
Locale = Annotated[str, typer.Option(help="ja or en.")]
Sample = Annotated[str | None, typer.Option(help="One of the template's samples; without it the first.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.command()(preview)
    app.command(name="send-test")(send_test)


def preview(
    template: Template,
    locale: Locale = "ja",
    sample: Sample = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML part to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show a message template with a sample."""
    from engine.config import Settings
    from engine.io.templates import BrokenTemplates, load_messages
    from engine.rules.content import render

    folder = Settings().templates / "messages"
    try:
        templates = load_messages(folder)
    except BrokenTemplates as broken:
        refuse(broken.problems[0], "templates that can be used", "todoke journeys check")
    name, context = _sample(folder, template, templates, locale, sample)
    try:
        content = render(templates[template], locale, context)
    except ValueError as wrong:
        refuse(f"{template}, sample {name}: {wrong}", "a sample with everything it needs", f"todoke preview {template}")
    if html:
        try:
            html.write_text(content.html or "", encoding="utf-8")
        except OSError as error:
            then = f"todoke preview {template} --html FILE"
            refuse(f"--html {html}: {error.strerror}", "a file that can be written", then)
        say(f"HTML: {html}")
    if as_json:
        answer({
            "template": template, "sample": name, "locale": locale, "subject": content.subject,
            "preheader": content.preheader, "text": content.text, "html": content.html,
        })  # fmt: skip
    else:
        typer.echo(f"{content.subject}\n{content.preheader}\n\n{content.text.rstrip()}")


def send_test(
    context: typer.Context,
    template: Template,
    to: Annotated[str, typer.Option(help="Mail address that gets it.")],
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
        _, values = _sample(app.settings.templates / "messages", template, app.templates, locale, sample)
        try:
            connection, subject, outcome = send_sample(app, owner, template, locale, values, to)
        except LookupError as none:
            refuse(str(none), "a channel", f"todoke connect smtp --merchant {owner.slug} --set url=smtp://...")
        except ValueError as wrong:
            refuse(f"it cannot be sent: {wrong}", "an address and a merchant that mails can carry", again)
    if not isinstance(outcome, Accepted):
        said = " ".join(str(getattr(outcome, name, None) or "") for name in ("code", "detail", "reason"))
        refuse(f"{connection.id}: {type(outcome).__name__.lower()}: {said}", "a server that takes it", again)
    typer.echo(f"sent by {connection.id} to {to}: {subject}")


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
