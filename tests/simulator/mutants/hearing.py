"""What we are told and ask for: answers, cursors and leases that come too early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from engine.contracts import Page
from engine.flow import intake
from engine.flow.ask.visit import Visit, lease
from engine.flow.intake import Intake
from engine.rules.errand import Errand
from engine.store import errands
from engine.store.tables import ERRAND
from tests.simulator.mutants.mutant import CALM, Mutant, nothing

KEEP, WRITE, HOLD = Visit.keep, Visit._write, errands.hold


def answered_first(self: Intake, group: Any) -> None:
    """2xx as soon as the delivery is in memory."""
    intake._tell(group, None)
    self._chute.put([packed for _, packed, _ in group])


def cursor_first(self: Visit, page: Page) -> None:
    """The cursor moves on in a commit of its own."""
    self._write(nothing, cursor=page.cursor)
    KEEP(self, Page(found=page.found))


def from_its_commit_on(self: Visit, work: Any, **come_to: Any) -> Any:
    """A lease begins when it is known to be committed."""
    done = WRITE(self, work, **come_to)
    self.lease_until = self.app.clock.real() + lease(self.app)
    return done


def without_its_holder(tx: Any, mine: Errand, until: Any, **come_to: Any) -> bool:
    """Whoever has begun to ask goes on, whoever has begun since."""
    holder = tx.conn.execute(select(ERRAND.c.holder)).scalar()
    return HOLD(tx, replace(mine, holder=holder), until, **come_to)


HEARING: Mapping[str, Mutant] = {
    "2xx before the commit": Mutant(
        swaps=[(Intake, "_store", answered_first)], breaks=frozenset({"P1"}),
        weather=CALM | {"kind": "keyed", "crash": 0.05},
    ),
    "the cursor before its page": Mutant(
        swaps=[(Visit, "keep", cursor_first)], breaks=frozenset({"P14"}),
        weather=CALM | {"kind": "keyed", "polled": 1.0},
    ),
    "an errand that anybody holds": Mutant(
        swaps=[(errands, "hold", without_its_holder)], breaks=frozenset({"P13"}),
        weather=CALM | {"kind": "keyed", "polled": 1.0, "stop": 0.3},
    ),
    "a lease that begins after its commit": Mutant(
        swaps=[(Visit, "_write", from_its_commit_on)], breaks=frozenset({"P13"}),
        weather=CALM | {"kind": "keyed", "polled": 1.0, "stop": 0.5},
    ),
}  # fmt: skip
