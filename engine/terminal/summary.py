"""What came of an ingest: what was taken in, what was not and why, and which messages followed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from engine.rules.english import Count
from engine.terminal.speak import Column, answer, table

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.store.followed import Followed

STATES = ("processed", "ignored", "parked", "dead", "new")
NOT_SENT = ("not started", "suppressed", "cancelled", "expired", "deferred", "dead", "unknown")
SHOWN = 50  # places listed for people; --json has all

REFUSED = (
    Column("WHERE", lambda row: row["where"]),
    Column("STATE", lambda row: row["state"], whole=True),
    Column("WHY", lambda row: row["reason"]),
)
UNSENT = (
    Column("MESSAGES", lambda row: row["count"], whole=True),
    Column("NOT SENT", lambda row: row["decision"], whole=True),
    Column("JOURNEY", lambda row: row["journey"], whole=True),
    Column("WHY", lambda row: row["reason"]),
)


@dataclass
class Summary:
    """Kept while files are read. `places` say where each new delivery stands, by its dedupe key."""

    since: datetime
    read: int = 0
    refused: bool = False
    left_out: list[dict[str, Any]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    pending: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def leave_out(self, place: str, reason: str) -> None:
        """A line that is not even stored."""
        self.left_out.append({"where": place, "state": "refused", "reason": reason})
        self.refused = True

    def stored(self, new: set[tuple[str, str]]) -> None:
        """A batch was committed; these (connection, dedupe key) were not known before."""
        self.places |= {key: self.pending[key] for _, key in new}
        self.pending.clear()


def told(app: App, connection: str, summary: Summary, *, worked: bool, as_json: bool) -> None:
    """Print the summary, and note in it whether anything was refused."""
    from engine.store import followed as follow
    from engine.store import merchants
    from engine.store.followed import Followed

    followed = Followed()
    with app.store.read() as tx:
        ends = follow.ends(tx, connection, list(summary.places))
        ids = [row.id for row in ends]
        for merchant in merchants.every(tx) if worked and ids else ():
            followed.add(follow.followed(tx.of(merchant.id), ids, summary.since, app.clock.now()))
    states = Counter(row.state for row in ends)
    states["ignored"] += sum(summary.ignored.values())
    refused = summary.left_out + [
        {"where": summary.places[row.dedupe_key], "state": row.state, "reason": row.reason}
        for row in ends
        if row.state in {"dead", "parked"} or (row.state == "processed" and row.reason)
    ]
    summary.refused = summary.refused or bool(refused)
    result = {
        "accepted": len(summary.places), "known": summary.read - len(summary.places),
        **{("waiting" if name == "new" else name): states[name] for name in STATES},
        "refused": refused, "messages": dict(followed.messages), "not_sent": _not_sent(followed),
        "history_only": dict(followed.muted),
    }  # fmt: skip
    if as_json:
        answer(result)
    else:
        _print(result, worked=worked)


def _not_sent(followed: Followed) -> list[dict[str, Any]]:
    found = [
        {"count": count, "decision": decision, "journey": journey, "reason": reason}
        for (decision, journey, reason), count in followed.decisions.items()
        if decision in NOT_SENT
    ]
    return sorted(found, key=lambda row: (NOT_SENT.index(row["decision"]), -row["count"], row["journey"] or ""))


def _print(result: Mapping[str, Any], *, worked: bool) -> None:
    states = ", ".join(f"{result[name]} {name}" for name in ("processed", "ignored", "parked", "dead") if worked)
    waiting = f"{result['waiting']} waiting for a worker (todoke up)" if result["waiting"] else ""
    typer.echo(f"deliveries  {result['accepted']} accepted, {result['known']} known already")
    typer.echo(f"            {', '.join(filter(None, (states, waiting)))}")
    if worked:
        messages = result["messages"]
        counted = ", ".join(f"{count} {status}" for status, count in sorted(messages.items())) or "none"
        typer.echo(f"messages    {sum(messages.values())} planned: {counted}")
    for reason, count in result["history_only"].items():
        typer.echo(f"events      {Count(count):starts|start} nothing ({reason})")
    for rows, columns in ((result["refused"], REFUSED), (result["not_sent"], UNSENT)):
        if rows:
            typer.echo()
            table(rows[:SHOWN], columns)
    if len(result["refused"]) > SHOWN:
        typer.echo(f"and {len(result['refused']) - SHOWN} more; --json has them all")
