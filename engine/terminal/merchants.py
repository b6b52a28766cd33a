"""`todoke merchant`: who we write for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import choose
from engine.terminal.speak import Column, Json, Limit, Setting, answer, listing, opened, pairs, refuse, say

if TYPE_CHECKING:
    from engine.model.merchant import Merchant, MerchantSettings

merchant = typer.Typer(help="Merchants and their settings.", no_args_is_help=True)

COLUMNS = (
    Column("MERCHANT", lambda row: row["merchant"], whole=True),
    Column("NAME", lambda row: row["name"]),
    Column("LOCALE", lambda row: row["locale"], whole=True),
    Column("TIME ZONE", lambda row: row["timezone"], whole=True),
    Column("FROM", lambda row: row["from_email"]),
)
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="Short name: letters a-z, digits, hyphens.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(merchant, name="merchant")


@merchant.command()
def add(
    context: typer.Context,
    slug: Slug,
    name: Annotated[str | None, typer.Option(help="As customers know it; without it the slug.")] = None,
    from_email: Annotated[str | None, typer.Option(help="Sender of its mails.")] = None,
    locale: Annotated[str, typer.Option(help="ja or en, when the customer's language is not known.")] = "ja",
    timezone: Annotated[str, typer.Option(help="IANA time zone.")] = "Asia/Tokyo",
    settings: Setting = None,
    as_json: Json = False,
) -> None:
    """Add a merchant, with a mailbox that keeps its messages until a channel is connected."""
    from engine.model.merchant import MerchantSettings
    from engine.rules.merchant_settings import SLUG
    from engine.store import merchants
    from engine.store.merchants import Connection

    again = f"todoke merchant add {slug} --name NAME --from-email shop@example.jp"
    if not SLUG.fullmatch(slug):
        refuse(f"SLUG {slug!r} cannot be used", "letters a-z, digits and hyphens, at most 63", again)
    if name and not name.isprintable():
        refuse("--name: it holds a line break or a control character", "one line of text", again)
    named = [("locale", locale), ("timezone", timezone), *([("from_email", from_email)] if from_email else [])]
    wanted = _settings(MerchantSettings(), [*named, *pairs(settings, again)], again)
    with opened(context) as app, app.store.begin() as tx:
        if merchants.by_slug(tx, slug):
            refuse(f"SLUG {slug}: there is such a merchant", "another slug", f"todoke merchant set {slug} KEY=VALUE")
        now = app.clock.now()
        added = merchants.add(tx, slug=slug, name=(name or slug).strip(), settings=wanted, now=now)
        box = Connection(id=f"mailbox-{slug}", merchant=added.id, connector="mailbox", role="channel", name="Mailbox")
        merchants.connect(tx, box, now)
    if as_json:
        answer({"merchant": added.slug, "id": added.id})
    else:
        typer.echo(f"added {added.slug} ({added.name})")
        if not wanted.from_email:
            say(f"no message can leave without a sender; type: todoke merchant set {slug} from_email=shop@example.jp")
        say(f"next: todoke connect shopify --merchant {slug} --set secret=...")


@merchant.command(name="list")
def list_(context: typer.Context, limit: Limit = 1000, as_json: Json = False) -> None:
    """List merchants."""
    with opened(context) as app:
        rows = [_row(one) for one in choose.merchants(app, None)[:limit]]
    listing(rows, COLUMNS, as_json=as_json, empty="no merchant yet; type: todoke merchant add SLUG --name NAME")


@merchant.command(name="set")
def set_(
    context: typer.Context,
    slug: Slug,
    settings: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="key= goes back to the default.")],
) -> None:
    """Change settings of a merchant; the next message has them."""
    from engine.store import merchants

    again = f"todoke merchant set {slug} KEY=VALUE"
    with opened(context) as app:
        one = choose.merchants(app, slug)[0]
        wanted = _settings(one.settings, pairs(settings, again), again)
        with app.store.begin(one.id) as tx:
            merchants.save_settings(tx, wanted)
    typer.echo(f"changed {slug}")


def _settings(before: MerchantSettings, given: list[tuple[str, str]], again: str) -> MerchantSettings:
    from engine.rules.merchant_settings import changed
    from engine.rules.settings import Wrong

    after = changed(before, given)
    if isinstance(after, Wrong):
        refuse(f"{after.key}: {after.what}", after.expected, again)
    return after


def _row(one: Merchant) -> dict[str, Any]:
    settings = {name: getattr(one.settings, name) for name in one.settings.__struct_fields__}
    return {"merchant": one.slug, "id": one.id, "name": one.name, **settings}
