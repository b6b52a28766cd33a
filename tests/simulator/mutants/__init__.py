"""Broken variants of the delivery core. Each is a mistake that somebody could make in good faith, and each must be
caught: a checker that catches nothing proves nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tests.simulator.mutants.gate import GATE
from tests.simulator.mutants.hearing import HEARING
from tests.simulator.mutants.mutant import Mutant
from tests.simulator.mutants.once import ONCE
from tests.simulator.mutants.telling import TELLING

MUTANTS: Mapping[str, Mutant] = {**GATE, **ONCE, **HEARING, **TELLING}
