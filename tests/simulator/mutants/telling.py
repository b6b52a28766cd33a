"""What we tell merchants' endpoints: out of order, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select

from engine.flow import call
from engine.store import calls
from engine.store.tables import HOOK_CALL
from tests.simulator.mutants.mutant import CALM, Mutant, always

WHATEVER_IS_DUE = (
    select(HOOK_CALL.c.id)
    .where(HOOK_CALL.c.hook_id == bindparam("hook"), calls.DUE)
    .order_by(HOOK_CALL.c.due_at, HOOK_CALL.c.id)
    .limit(bindparam("limit"))
)

TELLING: Mapping[str, Mutant] = {
    "events as they come": Mutant(
        swaps=[(calls, "_CLAIM", WHATEVER_IS_DUE)], breaks=frozenset({"P15"}),
        weather=CALM | {"kind": "keyed", "hooked": True, "refused": 0.3},
    ),
    "posted is told": Mutant(
        swaps=[(call, "_taken", always)], breaks=frozenset({"P15"}),
        weather=CALM | {"kind": "keyed", "hooked": True, "unheard": 0.3, "refused": 0.3},
    ),
}  # fmt: skip
