"""`make simulate SEEDS=2000` runs seeds over all cores; `make simulate SEED=123` replays one and shows its trace.

The last line is one JSON object. Exit code 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from typing import Any

from tests.simulator.seed import Ended, run
from tests.simulator.weather import KINDS, Kind

# What a broken promise counts as in the summary.
MEANS = {
    "P1": "lost", "P2": "different", "P3": "twice_planned", "P4": "double", "P5": "unsettled", "hidden": "hidden",
    "P6": "contradictions", "P8": "stale", "P9": "unwanted", "P11": "early", "P12": "unpaused", "P13": "asked_twice",
    "P14": "skipped", "P15": "untold", "bug": "bugs",
}  # fmt: skip
SHOWN = 3  # traces of seeds that failed


def summary(ended: Sequence[Ended], seconds: float) -> dict[str, Any]:
    """The figures of all seeds together."""
    wrong = Counter(MEANS[name] for one in ended for name in {told.split(":")[0] for told in one.wrong})
    statuses: Counter[str] = sum((one.statuses for one in ended), Counter())
    return {
        "seeds": len(ended), "steps": sum(one.steps for one in ended), "crashes": sum(one.crashes for one in ended),
        "messages": statuses.total(), "requests": sum(one.sends for one in ended),
        **{name: wrong[name] for name in MEANS.values()},
        "unknown": statuses["unknown"], "twice_by_policy": sum(one.doubles for one in ended if not one.wrong),
        "kinds": {kind: sum(one.kind == kind for one in ended) for kind in KINDS},
        "failed": [one.seed for one in ended if one.wrong][:20],
        "seconds": round(seconds, 1), "seeds_per_second": round(len(ended) / seconds, 1),
    }  # fmt: skip


def _all(seeds: range, kind: Kind | None, processes: int) -> list[Ended]:
    """Every seed, over some processes."""
    pool = get_context("spawn").Pool(min(processes, len(seeds)))
    few = max(1, min(20, len(seeds) // processes))
    ended = list(pool.imap_unordered(partial(run, kind=kind), seeds, chunksize=few))
    pool.close()  # and not by `with`, which would not let them take their databases away
    pool.join()
    return ended


def main() -> int:
    """Run what the command line says."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    asked.add_argument("--seeds", type=int, default=200, help="how many, from --first on")
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--seed", type=int, help="replay this one and show its trace")
    asked.add_argument("--kind", choices=KINDS, help="of the provider; without it the seed's own")
    asked.add_argument("--processes", type=int, default=os.cpu_count())
    given = asked.parse_args()
    began = time.monotonic()
    if given.seed is not None:
        ended = [run(given.seed, kind=given.kind, trace=True)]
    else:
        ended = _all(range(given.first, given.first + given.seeds), given.kind, given.processes)
    ended.sort(key=lambda one: one.seed)
    failed = [one for one in ended if one.wrong]
    for n, one in enumerate(ended if given.seed is not None else failed):
        print(f"seed {one.seed} ({one.kind})", *one.trace[: None if n < SHOWN else 0], *one.wrong, sep="\n  ")
        print(f"make simulate SEED={one.seed}{f' KIND={given.kind}' if given.kind else ''} replays it", file=sys.stderr)
    print(json.dumps(summary(ended, time.monotonic() - began)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
