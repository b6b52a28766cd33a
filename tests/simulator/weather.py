"""What goes wrong in a seed, and how often. Every seed has weather of its own, so that some are rough in one
respect only: a fault that hides another is no help."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Kind = Literal["keyed", "window", "park", "retry_once", "batched"]
KINDS: tuple[Kind, ...] = ("keyed", "window", "park", "retry_once", "batched")
FORGETS: frozenset[Kind] = frozenset({"window", "batched"})  # their keys, after a day


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Chances of each fault where it can happen; `kind` is what the provider does about repeats."""

    kind: Kind
    workers: int = 1
    crash: float = 0.0  # at a seam: the process is gone
    stop: float = 0.0  # at a seam: SIGSTOP for up to some leases
    switch: float = 0.0  # at a seam: somebody else goes on
    broken: float = 0.0  # at a commit: the database is away, before it or after it
    leap: float = 0.0  # at a reading of the clock: the process stood still just before
    refused: float = 0.0  # by the provider: 4xx, 429, 5xx, no connection
    unheard: float = 0.0  # the answer is lost, after accepting or without
    storms: int = 0  # spells in which the provider takes nothing
    hints_lost: float = 0.0
    hints_doubled: float = 0.0
    late: float = 0.0  # of deliveries: hours after the fact
    doubled: float = 0.0  # of deliveries: comes again
    bad_receipts: float = 0.1  # of receipts: bounced or complained
    jumps: int = 0  # somebody sets a clock: +1 h, -1 h, +3 d
    skew: float = 0.0  # seconds by which the clocks of workers differ
    outages: int = 0  # nobody works, for hours or days
    pauses: int = 0  # an operator's
    stops: float = 0.0  # of customers: unsubscribe
    hooked: bool = False  # an endpoint is told of everything
    polled: float = 0.0  # of deliveries: nobody brings them, the system has to be asked

    @property
    def only_crashes(self) -> bool:
        """Nothing delays a message by more than some leases, and nobody refuses one."""
        others = (
            self.refused, self.unheard, self.storms, self.late, self.bad_receipts, self.jumps, self.outages,
            self.pauses, self.stops, self.skew,
        )  # fmt: skip
        return not any(others)


def draw(rng: Random, kind: Kind | None = None) -> Weather:
    """The weather of a seed."""
    kind = kind or rng.choice(KINDS)

    def sometimes(*values: float) -> float:
        return rng.choice((0.0, *values))

    # A provider forgets by its own clock, which no setting of ours moves: where keys are forgotten, clocks are
    # as far apart as an ordinary NTP keeps them. Jumps belong to the other kinds.
    kept = kind in FORGETS
    if rng.random() < 0.2:
        return Weather(
            kind=kind, workers=rng.choice((2, 3)), crash=rng.choice((0.01, 0.03, 0.08)), stop=sometimes(0.02),
            switch=rng.choice((0.1, 0.3, 0.6)), broken=sometimes(0.02), hints_lost=rng.choice((0.0, 1.0)),
            doubled=sometimes(0.3), bad_receipts=0.0, polled=sometimes(0.5),
            hooked=rng.random() < 0.3,
        )  # fmt: skip
    return Weather(
        kind=kind,
        workers=rng.choice((2, 2, 3, 4)),
        crash=sometimes(0.01, 0.03, 0.08),
        stop=sometimes(0.01, 0.03),
        switch=rng.choice((0.1, 0.3, 0.6)),
        broken=sometimes(0.02, 0.05),
        leap=sometimes(0.005, 0.02),
        refused=sometimes(0.1, 0.4),
        unheard=sometimes(0.1, 0.3),
        storms=rng.choice((0, 0, 1, 2)),
        hints_lost=rng.choice((0.0, 0.5, 1.0)),
        hints_doubled=sometimes(0.5),
        late=sometimes(0.1, 0.4),
        doubled=sometimes(0.1, 0.4),
        jumps=0 if kept else rng.choice((0, 0, 1, 2)),
        skew=rng.choice((0.0, 2.0, 20.0)) if kept else rng.choice((0.0, 20.0, 300.0)),
        outages=rng.choice((0, 0, 1, 2)),
        pauses=rng.choice((0, 0, 1, 2)),
        stops=sometimes(0.3),
        polled=sometimes(0.3, 1.0),
        hooked=rng.random() < 0.3,
    )


def calm(kind: Kind) -> Weather:
    """Nothing goes wrong."""
    return Weather(kind=kind, bad_receipts=0.0)
