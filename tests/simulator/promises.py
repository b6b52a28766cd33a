"""What must hold when everything has come to its end, whatever went wrong on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.contracts import Observation
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.hook import MESSAGES
from engine.rules.observe import observe
from engine.store import facts
from tests.simulator.simulation import Simulation
from tests.simulator.stories import number
from tests.simulator.weather import Weather

FINAL = {"sent", "delivered", "suppressed", "cancelled", "expired", "dead", "unknown"}
LEFT = {"sent", "delivered", "unknown"}
MOST = {"keyed": 1, "window": 1, "park": 1, "retry_once": 2, "batched": 1}
DECIDED = "SELECT decision FROM ledger WHERE message_id NOT NULL"
Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is compared between two runs of one story."""

    messages: dict[Key, Any]  # order, journey, step, run, recipient
    facts: dict[str, object]  # order -> what is known
    refused: set[tuple[str, str]]  # order, journey: a run was not started, and the ledger says why


def check(done: Simulation) -> Record:
    """Hold the end of a simulation against P1, P2 (facts), P3, P4, P5 and P8; blames what is broken."""
    record = _record(done)
    for promise in (_sound, _accepted, _complete, _at_most_once, _final, _fresh, _told):
        promise(done, record)
    return record


def _record(done: Simulation) -> Record:
    messages: dict[Key, Any] = {}
    rows = done.there.database.rows(
        "SELECT m.*, coalesce(s.number, m.subject_id) about FROM message m JOIN subject s ON s.id = m.subject_id"
    )
    for row in rows:
        key = (row["about"], row["journey"], row["step"], row["run_key"], row["recipient"])
        if key in messages:
            done.world.blame("P3", f"planned twice: {'/'.join(key)}")
        messages[key] = row
    known: dict[str, object] = {}
    subjects = done.there.database.rows("SELECT id, number FROM subject WHERE joined_into IS NULL")
    with done.there.database.store.read(done.there.merchant) as tx:
        held = facts.load(tx, [row["id"] for row in subjects])
    for row in subjects:
        if row["number"] in known:
            done.world.blame("P2", f"order {row['number']} stands twice")
        known[row["number"]] = (held[row["id"]].state or State()).facts
    refused = done.there.database.rows(
        "SELECT s.number, l.journey FROM ledger l JOIN subject s ON s.id = l.subject_id WHERE decision = 'not started'"
    )
    return Record(messages=messages, facts=known, refused={(row[0], row[1]) for row in refused})


def _sound(done: Simulation, _: Record) -> None:
    """Nothing ended for want of sound code: what breaks is caught where it does no more harm, and logged."""
    places = (
        "SELECT reason FROM message",
        "SELECT detail FROM attempt",
        "SELECT reason FROM inbox WHERE state = 'dead'",
    )
    for place in places:
        for row in done.there.database.rows(place):
            said = row[0] or ""
            our_fault = said.startswith("OperationalError")  # the database was away
            if said.endswith("see the log") and not our_fault:
                done.world.blame("bug", said)


def _accepted(done: Simulation, _: Record) -> None:
    """P1: what was acknowledged is stored, and came to an end that says why."""
    kept = {row[0] for row in done.there.database.rows("SELECT dedupe_key FROM inbox")}
    for told in done.story.told:
        if not told.acknowledged:
            done.world.blame("P1", f"a delivery about order {told.order} was never taken")
        elif told.key not in kept:
            done.world.blame("P1", f"a delivery about order {told.order} was acknowledged and is lost")
    for row in done.there.database.rows("SELECT * FROM inbox"):
        if row["state"] not in {"processed", "ignored", "parked", "dead"}:
            done.world.blame("P1", f"delivery {row['id']} is still {row['state']}")
        elif row["state"] != "processed" and not row["reason"]:
            done.world.blame("P1", f"delivery {row['id']} is {row['state']} without a reason")


def _complete(done: Simulation, record: Record) -> None:
    """P2: everything told is known as if it had been told once and in order."""
    if done.there.database.one("SELECT 1 FROM inbox WHERE state = 'dead'"):
        return  # given up with a reason, and listed: it waits for an operator
    told: dict[str, dict[bytes, Observation]] = {}
    for one in sorted(done.story.told, key=lambda one: one.so):
        told.setdefault(number(one.order).lstrip("#"), {})[one.body] = one.seen
    for about, seen in told.items():
        state, _, _ = observe(State(), [Heard(connection="shop", seen=one) for one in seen.values()], lambda: ())
        if record.facts.get(about) != state.facts:
            done.world.blame("P2", f"order {about} is not known as it was told")


def _at_most_once(done: Simulation, record: Record) -> None:
    """P4: what the provider really accepted."""
    most = MOST[done.world.weather.kind]
    for row in record.messages.values():
        times = len(done.there.provider.accepted.get(row["public_id"], ()))
        if times > most:
            done.world.blame("P4", f"message {row['id']} was accepted {times} times")
        elif times == 2:
            unsure = done.there.database.one(
                "SELECT count(*) FROM attempt WHERE message_id = ? AND outcome = 'ambiguous'", row["id"]
            )
            if not unsure:
                done.world.blame("P4", f"message {row['id']} was sent twice, and nothing was unknown")


def _final(done: Simulation, record: Record) -> None:
    """P5: every message has ended, says why, and none is called sent that was not."""
    for row in record.messages.values():
        about = f"message {row['id']} ({row['journey']}/{row['step']})"
        accepted = done.there.provider.accepted.get(row["public_id"])
        if row["status"] not in FINAL:
            done.world.blame("P5", f"{about} is still {row['status']}")
        elif row["status"] in {"sent", "delivered"}:
            if not accepted:
                done.world.blame("P5", f"{about} is called {row['status']}, and nobody accepted it")
        else:
            said = "SELECT 1 FROM ledger WHERE message_id = ? AND decision = ? AND reason != ''"
            bounced = (row["reason"] or "").startswith("bounced")  # the ledger has it by the receipt's own word
            if not bounced and not done.there.database.one(said, row["id"], row["status"]):
                done.world.blame("P5", f"{about} is {row['status']}, and the ledger does not say so")
            if accepted and row["status"] != "unknown" and not bounced:
                done.world.blame("hidden", f"{about} was accepted, and is called {row['status']}: {row['reason']}")
    # Of a message that is known to have left, by a receipt or a late answer, an attempt may stay open: its worker
    # is gone, and what it was told changes nothing.
    query = (
        "SELECT a.message_id, a.n, m.status FROM attempt a JOIN message m ON m.id = a.message_id WHERE outcome IS NULL"
        " AND m.status NOT IN ('sent', 'delivered') AND coalesce(m.reason, '') NOT LIKE 'bounced%'"
    )
    for row in done.there.database.rows(query):
        done.world.blame("P5", f"attempt {row['n']} of message {row['message_id']} is open, which is {row['status']}")


def _fresh(done: Simulation, record: Record) -> None:
    """P8: history starts nothing, and neither does what was heard of too late."""
    for order in done.story.backfilled:
        if any(key[0] == number(order).lstrip("#") for key in record.messages):
            done.world.blame("P8", f"order {number(order)} came as history, and a message was planned")
    rows = done.there.database.rows(
        "SELECT r.id, r.journey, r.started_at, e.occurred_at FROM run r"
        " JOIN event e ON e.subject_id = r.subject_id AND e.key = r.event_key AND e.recorded_at <= r.started_at"
    )
    for row in rows:
        age = datetime.fromisoformat(row["started_at"]) - datetime.fromisoformat(row["occurred_at"])
        if age > done.there.journeys[row["journey"]].max_age:
            done.world.blame("P8", f"run {row['id']} of {row['journey']} started {age} after its event")


def _told(done: Simulation, _: Record) -> None:
    """P15: whatever is decided about a message is told, and the endpoint has it, or it is said why not."""
    if not done.world.weather.hooked:
        return
    database, heard = done.there.database, done.there.endpoint.heard
    decided = Counter(MESSAGES[row[0]] for row in database.rows(DECIDED) if row[0] in MESSAGES)
    written = Counter({name: count for name, count in done.there.watch.to_tell.items() if name in MESSAGES.values()})
    if decided != written:
        done.world.blame("P15", f"decided {dict(decided)}, and to be told are {dict(written)}")
    for row in database.rows("SELECT * FROM hook_call"):
        if row["status"] == "told" and not heard[row["public_id"]]:
            done.world.blame("P15", f"{row['type']} is called told, and nobody heard it")
        elif row["status"] not in {"told", "given_up"} or (row["status"] == "given_up" and not row["reason"]):
            done.world.blame("P15", f"{row['type']} is {row['status']}")


def compare(done: Simulation, mine: Record, calm: Record, ended: Weather) -> None:
    """P2: the messages of a calm run of the same story are there, or it is said why not."""
    for key, theirs in calm.messages.items():
        if theirs["status"] not in LEFT or key[2] == "again":  # that one asks what the provider happens to say
            continue
        row = mine.messages.get(key)
        if row is None and (key[0], key[1]) not in mine.refused:
            done.world.blame("P2", f"{'/'.join(key)} was never planned, and nobody says why")
        elif ended.only_crashes and (row is None or row["status"] not in LEFT | {"cancelled"}):
            stands = f"{row['status']}: {row['reason']}" if row else "not planned"
            done.world.blame("P2", f"{'/'.join(key)} leaves when it is calm; now it is {stands}")
    if ended.only_crashes:
        for key, row in mine.messages.items():
            if (
                row["status"] in LEFT
                and key[2] != "again"
                and (key not in calm.messages or calm.messages[key]["status"] not in LEFT)
            ):
                done.world.blame("P2", f"{'/'.join(key)} left; when it is calm it does not")


def statuses(record: Record) -> Counter[str]:
    """How the messages ended."""
    return Counter(row["status"] for row in record.messages.values())
