"""What is true in the end, by three witnesses: the shop's 2xx, the receiver's memory, the installation's own books."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from tests.rig import orders
from tests.rig.scene import Scene

Doubts = Literal["any", "silly", "none"]  # which messages may end `unknown`
SENT = frozenset({"sent", "delivered"})
NEVER = frozenset({"expired", "cancelled", "suppressed"})  # each with its reason
ENDED = frozenset({"processed", "ignored", "parked", "dead"})
# Orders whose confirmation was weighed and not planned: their subject says why.
EXPLAINED = (
    "SELECT count(DISTINCT subject_id) FROM ledger WHERE journey = 'order_confirmed' AND reason IS NOT NULL"
    " AND subject_id NOT IN (SELECT subject_id FROM message WHERE journey = 'order_confirmed')"
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """`lost`: deliveries and messages that nobody will ever hear of. `double`: texts that somebody had twice.
    `unknown`: listed as in doubt; `left` of them had left. `wrong`: promises that were broken, in words."""

    strikes: int
    taken: int
    refused: int
    accepted: int
    lost: int
    double: int
    unknown: int
    left: int
    wrong: list[str]

    @property
    def good(self) -> bool:
        """Did every promise hold?"""
        return not (self.lost or self.double or self.wrong)


def judge(scene: Scene, doubts: Doubts) -> Figures:
    """Compare the witnesses. The installation has come to rest and its processes may have ended."""
    rows, accepted = scene.site.messages(), scene.receiver.accepted
    ids = {row["id"]: row for row in rows}
    left = {number.partition("@")[0] for number in accepted}
    unknown = {row["id"] for row in rows if row["status"] == "unknown"}
    wrong = [*scene.wrong, *_books(scene, ids, left), *_once(scene), *_said(scene)]
    lost = _unended(scene, wrong) + _untold(scene, rows, left, wrong)
    # A text is one order's, step's and parcel's: what left twice under two ids is found by it.
    double = max(_more_than_once(accepted), _more_than_once(scene.receiver.texts))
    if unsettled := [row["id"] for row in rows if row["id"] in unknown and not _may_doubt(row, doubts)]:
        wrong.append(f"{len(unsettled)} messages are in doubt and need not be, as {unsettled[0]}")
    return Figures(
        strikes=scene.strikes, taken=scene.shop.done, refused=scene.shop.answers[503], accepted=sum(accepted.values()),
        lost=lost, double=double, unknown=len(unknown), left=len(unknown & left), wrong=wrong,
    )  # fmt: skip


def _may_doubt(row: dict[str, Any], doubts: Doubts) -> bool:
    """What a later parcel has made silly is not repeated, so even a key does not settle whether it had left."""
    silly = row["journey"] == "order_confirmed" and bool(orders.parcels(int(row["order"].lstrip("#"))))
    said = "not repeated" in (row["reason"] or "")
    return doubts == "any" or (doubts == "silly" and silly and said)


def _unended(scene: Scene, wrong: list[str]) -> int:
    """Deliveries that were answered with 2xx and are nowhere, or have no end, or an end without a reason."""
    rows = scene.reader.rows("SELECT dedupe_key, state, reason FROM inbox")
    ended = {key for key, state, reason in rows if state == "processed" or (state in ENDED and reason)}
    dead = [f"{key}: {reason}" for key, state, reason in rows if state in {"dead", "parked"}]
    if dead:
        wrong.append(f"{len(dead)} deliveries ended dead or parked, the first {dead[0]}")
    return len(scene.shop.taken - ended)


def _untold(scene: Scene, rows: list[dict[str, Any]], left: set[str], wrong: list[str]) -> int:
    """Messages that had to be and are not: neither taken, nor listed as in doubt, nor ended for a reason."""
    told: Counter[tuple[str, str]] = Counter()
    for row in rows:
        status = row["status"]
        if (status in SENT and row["id"] in left) or status == "unknown" or (status in NEVER and row["reason"]):
            told[row["order"].lstrip("#"), row["journey"]] += 1
        elif status not in SENT and status != "planned":
            wrong.append(f"{row['id']} ended {status}: {row['reason']}")
    shipped = sum(max(0, len(orders.parcels(n)) - told[str(n), "shipped"]) for n in range(scene.orders))
    silent = [n for n in range(scene.orders) if not told[str(n), "order_confirmed"]]
    needed = [n for n in silent if not orders.parcels(n)]
    explained = int(scene.reader.rows(EXPLAINED)[0][0])
    return shipped + len(needed) + max(0, len(silent) - len(needed) - explained)


def _books(scene: Scene, ids: dict[str, dict[str, Any]], left: set[str]) -> list[str]:
    """Where the installation's books and what has left do not agree."""
    armed = {number for (number,) in scene.reader.rows(
        "SELECT DISTINCT public_id FROM message JOIN attempt ON attempt.message_id = message.id"
    )}  # fmt: skip
    found = {
        "left without an armed row": left - armed,
        "left and nobody knows": left - {n for n, row in ids.items() if row["status"] in SENT | {"unknown"}},
        "are called sent and nobody had them": {n for n, row in ids.items() if row["status"] in SENT} - left,
    }
    return [f"{len(which)} messages {what}: {sorted(which)[:3]}" for what, which in found.items() if which]


def _once(scene: Scene) -> list[str]:
    """Each order is one subject, each thing that happened one event, however often and by whom it was worked on."""
    counted = {
        "subjects": ("SELECT count(*) FROM subject WHERE joined_into IS NULL", scene.orders + scene.more_orders),
        "confirmations": (
            "SELECT count(*) FROM event WHERE type = 'order.confirmed'",
            scene.orders + scene.more_orders,
        ),
        "dispatches": (
            "SELECT count(*) FROM event WHERE type = 'shipment.dispatched'",
            sum(len(orders.parcels(number)) for number in range(scene.orders)) + scene.more_parcels,
        ),
    }
    found = [(what, scene.reader.rows(sql)[0][0], wanted) for what, (sql, wanted) in counted.items()]
    return [f"{count} {what} instead of {wanted}" for what, count, wanted in found if count != wanted]


def _said(scene: Scene) -> list[str]:
    """Answers that the fault cannot have caused, and threads that ended by an exception."""
    odd = {code: times for code, times in scene.shop.answers.items() if code not in scene.answers}
    died = scene.site.said().count("Exception in thread")
    told = [f"the intake answered {code}, {times} times" for code, times in odd.items()]
    return told + ([f"{died} threads ended by an exception"] if died else [])


def _more_than_once(counted: Counter[Any]) -> int:
    return sum(times - 1 for times in counted.values() if times > 1)
