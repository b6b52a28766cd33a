"""What came of the story: its messages by journey, those not sent by reason, and what to type next."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import TYPE_CHECKING

from engine.model.message import OPEN
from engine.rules.english import Count
from engine.store import reports
from engine.store.counts import Fate, fates
from engine.terminal.demo.shop import SLUG

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.flow.app import App

STAGES = ("order_confirmed", "shipped", "delivered", "review_request", "return", "reorder")
ARRIVED = frozenset({"sent", "delivered"})
KINDS = ("arrived", "waiting", "not sent")
REFUSED = 401
LATELY = 200  # messages among which a parcel that is still on its way is looked for


def tracking_address(app: App, merchant: int, *, on_its_way: bool = False) -> str | None:
    """The tracking page that the newest message links to, as its customer would open it; that of an order of which
    nothing has arrived yet, if asked for, and none when there is no such order."""
    with app.store.read(merchant) as tx:
        sent = reports.list_messages(tx, status="sent", limit=LATELY if on_its_way else 1)
        arrived = {one.subject_id for one in sent if one.journey == "delivered"}
        going = [one for one in sent if one.journey == "shipped" and one.subject_id not in arrived]
        chosen = next(iter(going if on_its_way else sent), None)
        found = reports.message(tx, chosen.id) if chosen else None
    if found is None or found[2] is None:
        return None
    mail = message_from_bytes(found[2], _class=EmailMessage, policy=policy.default)
    text = mail.get_body(("plain",))
    link = re.search(rf"{re.escape(app.settings.base_url)}/t/[\w-]+", text.get_content() if text else "")
    return link[0] if link else None


def report(app: App, merchant: int, console: Console, answers: Mapping[tuple[str, int, bool], int]) -> None:
    """What became of all deliveries and messages, why some were not sent, and how to go on from here."""
    with app.store.read(merchant) as tx:
        found = fates(tx)
        silent = reports.list_messages(tx, status="suppressed", limit=1)
    _print = partial(console.print, soft_wrap=True, markup=False)
    _print()
    console.print(_journeys(found))
    _print()
    console.print(_reasons(found))
    refused = sum(count for (_, status, _), count in answers.items() if status == REFUSED)
    _print(f"\ndeliveries         {sum(answers.values()) - refused} taken in, {refused} with a wrong signature refused")
    for (source, status, expected), count in answers.items():
        if not expected:
            _print(f"unexpected         {source} was answered {status}, {Count(count):time|times}")
    if address := tracking_address(app, merchant, on_its_way=True):
        _print(f"on its way         {address}")
    if silent and silent[0].order:
        command = f"TODOKE_HOME={app.settings.home} {sys.argv[0]}"
        _print(f"ask why            {command} why '{silent[0].order}' --merchant {SLUG}")
    _print("The story is over; everything stays open until Ctrl-C.")


def _journeys(found: Sequence[Fate]) -> Table:
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for title in ("JOURNEY", "IN THE MAILBOX", "WAITING", "NOT SENT"):
        drawn.add_column(title, justify="left" if title == "JOURNEY" else "right")
    for name in sorted({fate.journey for fate in found}, key=_rank):
        mine = [fate for fate in found if fate.journey == name]
        drawn.add_row(name, *(str(sum(fate.count for fate in mine if kind(fate) == one)) for one in KINDS))
    return drawn


def _reasons(found: Sequence[Fate]) -> Table:
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for title in ("NOT SENT", "JOURNEY", "WHY"):
        drawn.add_column(title, no_wrap=title != "WHY")
    silent = [fate for fate in found if kind(fate) == "not sent"]
    for fate in sorted(silent, key=lambda fate: -fate.count):
        drawn.add_row(str(fate.count), fate.journey, fate.reason or fate.status)
    return drawn


def kind(fate: Fate) -> str:
    """One of KINDS."""
    return "arrived" if fate.status in ARRIVED else "waiting" if fate.status in OPEN else "not sent"


def _rank(journey: str) -> tuple[int, str]:
    return (STAGES.index(journey) if journey in STAGES else len(STAGES), journey)
