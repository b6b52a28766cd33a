"""Every broken variant of the core is caught, and the core itself passes under the same weather."""

import pytest

from tests.simulator.mutants import MUTANTS


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_core_is_caught(name):
    mutant = MUTANTS[name]
    ended = mutant.caught()
    assert ended is not None, f"nobody noticed in {mutant.seeds} seeds"
    assert mutant.run(ended.seed).wrong == []
