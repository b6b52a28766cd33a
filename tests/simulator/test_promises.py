"""Some seeds of every kind in every run of the tests; `make simulate` runs thousands."""

import pytest

from tests.simulator import __main__ as command
from tests.simulator.seed import run
from tests.simulator.weather import KINDS

SEEDS = 15  # of each kind


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_doubled_or_contradicted(kind, seed):
    ended = run(seed, kind=kind)
    assert not ended.wrong, "\n".join([*ended.trace, f"replay: make simulate SEED={seed} KIND={kind}"])


def test_a_seed_replays_exactly():
    first = run(37, trace=True)
    run(40)  # nothing is left over from one seed to the next
    assert run(37, trace=True).trace == first.trace
    assert first.crashes
    assert len(first.trace) > 20


def test_the_summary_counts_what_happened():
    ended = [run(seed, kind="park", crash=0.08) for seed in range(3)]
    told = command.summary(ended, 1.0)
    assert (told["seeds"], told["kinds"]["park"], told["failed"]) == (3, 3, [])
    assert told["crashes"] > 0
    assert told["messages"] > 0
    assert {told[name] for name in command.MEANS.values()} == {0}
    broken = command.summary([*ended[:2], command.Ended(seed=9, kind="park", steps=1, crashes=0, sends=0, doubles=0,
                                                        wrong=["P4: accepted twice", "P4: again"])], 1.0)  # fmt: skip
    assert (broken["double"], broken["failed"]) == (1, [9])
