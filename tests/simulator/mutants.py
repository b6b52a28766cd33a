"""Broken variants of the delivery core. Each is a mistake that somebody could make in good faith, and each must be
caught: a checker that catches nothing proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from sqlalchemy import bindparam, insert, select

from engine.contracts import Page
from engine.flow import arm, call, claims, doubt, hand_over, intake, outcome, recover, send
from engine.flow.ask.visit import Visit, lease
from engine.flow.intake import Intake
from engine.flow.render import Rendered
from engine.rules.errand import Errand
from engine.store import calls, errands, outbox, people
from engine.store.bulk import Bulk
from engine.store.tables import ATTEMPT, ERRAND, HOOK_CALL
from tests.simulator.seed import Ended, Script, run
from tests.simulator.simulation import Simulation
from tests.simulator.stage import Actor
from tests.simulator.stories import HOUR, cancelled
from tests.simulator.world import Chance, Plan, World

Swap = tuple[Any, str, Any]  # where, what, and what stands there instead


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """What is broken, the weather that brings it out, and the promises of which one must be seen to break."""

    swaps: Sequence[Swap]
    breaks: frozenset[str]
    weather: Mapping[str, Any]
    script: Script | None = None
    plan: Callable[[], Plan] = Chance
    seeds: int = 30  # at most

    @contextmanager
    def on(self) -> Any:
        """The core is broken in this way."""
        with ExitStack() as swapped:
            for where, name, broken in self.swaps:
                swapped.enter_context(patch.object(where, name, broken))
            yield

    def run(self, seed: int) -> Ended:
        """A seed in this weather, whether the core is broken or whole."""
        return run(seed, script=self.script, plan=self.plan(), **self.weather)

    def caught(self) -> Ended | None:
        """The first seed that shows it; None when none does."""
        with self.on():
            for seed in range(self.seeds):
                ended = self.run(seed)
                broken = {told.split(":")[0] for told in ended.wrong}
                assert "bug" not in broken, f"it breaks in another way than it says: {ended.wrong}"
                if broken & self.breaks:
                    return ended
        return None


def always(*_: Any, **__: Any) -> bool:
    return True


def nothing(*_: Any, **__: Any) -> None:
    return None


def only_the_fence(app: Any, tx: Any, batch: arm.Batch, now: Any) -> list[Any]:
    """T4 trusts what was read before it."""
    mine = outbox.held(tx, {letter.row.id: letter.row.fence for letter in batch.letters})
    return [letter for letter in batch.letters if letter.row.id in mine]


def any_fence(tx: Any, fences: Mapping[int, int]) -> set[int]:
    """Whoever has claimed once may arm for ever."""
    return set(fences)


def whenever(app: Any, pile: Any, held: Any, most: int | None = None) -> list[Any]:
    """Armed is armed: it leaves, however long ago that was."""
    done = []
    while pile and (most is None or len(done) < most):
        done += [(one, hand_over._one(app, one)) for one in pile.popleft()]
    return done


def by_its_own_key(app: Any, channel: Any, past: Any = None) -> timedelta:
    """A key is a key: a message that may have left in a batch is repeated like any other."""
    return app.channels(channel.connector).capabilities.idempotency if channel else timedelta(0)


def written_anew(*given: Any) -> Rendered:
    """A repeat is a message like any other."""
    return next(one for one in given if isinstance(one, Rendered))


def nobody(tx: Any, endpoints: Any) -> dict[str, set[str]]:
    """Who bounced or complained is written to again."""
    return {}


def an_hour_early(self: Any) -> None:
    self.now = self.app.clock.now() + timedelta(hours=1)
    self.real, self._few = self.app.clock.real(), None


def answered_first(self: Intake, group: Any) -> None:
    """2xx as soon as the delivery is in memory."""
    intake._tell(group, None)
    self._chute.put([raw for raw, _ in group])


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


def sent_inside(app: Any, merchant: int, batch: arm.Batch) -> list[Any]:
    """Arm and send in one transaction, so that they are one."""
    return app.store.commit(lambda tx: hand_over.hand_over(app, arm._arm(app, tx, batch, ())), merchant)


def as_given(app: Any, done: list[Any]) -> list[Any]:
    return done


def away_after_sending(simulation: Simulation, hours: float = 26.0) -> None:
    """Everything is down for so long, from some seconds after a message was accepted on."""

    def down(_: str) -> None:
        world = simulation.world
        simulation.outside.later(world.t + 4, "outage", act=partial(simulation.outside.outage, world.t + hours * HOUR))

    simulation.there.provider.on_accept.append(down)


def paused_when_claimed(simulation: Simulation) -> None:
    """An operator pauses everything as soon as a message is claimed."""

    def pause(_: Any) -> None:
        t = simulation.world.t
        simulation.outside.later(t, "pause", act=partial(simulation.outside.pause, None))
        simulation.outside.later(t + 300, "resume", act=partial(simulation.outside.resume, None))

    simulation.there.watch.on_claim.append(pause)


def cancelled_when_claimed(simulation: Simulation) -> None:
    """The shop cancels an order as soon as a message about it is claimed."""
    told: set[int] = set()

    def cancel(message: Any) -> None:
        about = simulation.there.database.one("SELECT number FROM subject WHERE id = ?", message["subject_id"])
        order = int(about or 0) - 1001
        if order >= 0 and order not in told:
            told.add(order)
            one = cancelled(order, simulation.world.t)
            simulation.story.told.append(one)
            simulation.outside.bring(one)

    simulation.there.watch.on_claim.append(cancel)


class HeldBeforeArming(Chance):
    """Everybody stands still for half a minute between reading a message and arming it."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def at(self, world: World, actor: Actor, seam: str) -> str:
        last, self._last[actor.name] = self._last.get(actor.name), seam
        if actor.doing == "deliver" and (last, seam) == ("read", "begin"):
            return "stop 30"
        return super().at(world, actor, seam)


# A worker that comes too late is stopped by the fence, and sometimes by the key of attempts: whoever forgets the one
# must not lean on the other.
KEYLESS = Bulk(insert(ATTEMPT).prefix_with("OR REPLACE"))
WHATEVER_IS_DUE = (
    select(HOOK_CALL.c.id)
    .where(HOOK_CALL.c.hook_id == bindparam("hook"), calls.DUE)
    .order_by(HOOK_CALL.c.due_at, HOOK_CALL.c.id)
    .limit(bindparam("limit"))
)
KEEP, WRITE, HOLD = Visit.keep, Visit._write, errands.hold
REPEATS = [(where, "may_repeat", always) for where in (recover, outcome, doubt)]
CALM: Mapping[str, Any] = {
    "workers": 3, "crash": 0.0, "stop": 0.0, "broken": 0.0, "leap": 0.0, "refused": 0.0, "unheard": 0.0, "storms": 0,
    "jumps": 0, "skew": 0.0, "outages": 0, "pauses": 0, "switch": 0.3, "late": 0.0, "polled": 0.0,
    "hooked": False,
}  # fmt: skip

MUTANTS: Mapping[str, Mutant] = {
    "blind retry": Mutant(
        swaps=REPEATS, breaks=frozenset({"P4"}), weather=CALM | {"kind": "park", "crash": 0.05}
    ),
    "no gate at T4, under a pause": Mutant(
        swaps=[(arm, "_mine", only_the_fence)], breaks=frozenset({"P12"}), script=paused_when_claimed,
        plan=HeldBeforeArming, weather=CALM | {"kind": "keyed"},
    ),
    "no gate at T4, for a cancelled order": Mutant(
        swaps=[(arm, "_mine", only_the_fence)], breaks=frozenset({"P6"}), script=cancelled_when_claimed,
        plan=HeldBeforeArming, weather=CALM | {"kind": "keyed"},
    ),
    "no fence at T4": Mutant(
        swaps=[(outbox, "held", any_fence), (outbox, "ATTEMPTED", KEYLESS)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "park", "stop": 0.3},
    ),
    "no fence at T5": Mutant(
        swaps=[(outbox, "_counts", always)], breaks=frozenset({"P5"}),
        weather=CALM | {"kind": "keyed", "stop": 0.3, "unheard": 0.5},
    ),
    "no deadline after arming": Mutant(
        swaps=[(hand_over, "_work_off", whenever)], breaks=frozenset({"P6"}),
        weather=CALM | {"kind": "keyed", "stop": 0.2},
    ),
    "window looked at in recovery only": Mutant(
        swaps=[(doubt, "too_late", nothing)], breaks=frozenset({"P4"}), script=away_after_sending,
        weather=CALM | {"kind": "window", "unheard": 0.7},
    ),
    "other bytes under the same key": Mutant(
        swaps=[(doubt, "as_before", written_anew)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "keyed", "unheard": 0.5},
    ),
    "a doubt forgotten": Mutant(
        swaps=[(doubt, "unless_left", nothing)], breaks=frozenset({"hidden"}),
        script=partial(away_after_sending, hours=200.0), weather=CALM | {"kind": "keyed", "unheard": 0.7},
    ),
    "a message of a batch repeated by its own key": Mutant(
        swaps=[(where, "window_of", by_its_own_key) for where in (doubt, outcome, recover)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "batched", "crash": 0.03},
    ),
    "2xx before the commit": Mutant(
        swaps=[(Intake, "_store", answered_first)], breaks=frozenset({"P1"}),
        weather=CALM | {"kind": "keyed", "crash": 0.05},
    ),
    "suppressions not looked at": Mutant(
        swaps=[(people, "suppressed", nobody)], breaks=frozenset({"P9"}),
        weather=CALM | {"kind": "keyed", "bad_receipts": 1.0},
    ),
    "claimed before it is due": Mutant(
        swaps=[(claims._Due, "__post_init__", an_hour_early)], breaks=frozenset({"P11"}),
        weather=CALM | {"kind": "keyed", "refused": 0.6, "hints_lost": 0.0, "hints_doubled": 1.0},
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
    "events as they come": Mutant(
        swaps=[(calls, "_CLAIM", WHATEVER_IS_DUE)], breaks=frozenset({"P15"}),
        weather=CALM | {"kind": "keyed", "hooked": True, "refused": 0.3},
    ),
    "posted is told": Mutant(
        swaps=[(call, "_taken", always)], breaks=frozenset({"P15"}),
        weather=CALM | {"kind": "keyed", "hooked": True, "unheard": 0.3, "refused": 0.3},
    ),
    "sent inside the transaction": Mutant(
        swaps=[(send, "arm", sent_inside), (send, "hand_over", as_given)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "park", "crash": 0.03},
    ),
}  # fmt: skip
