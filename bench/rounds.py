"""What every benchmark shares: rounds A/B/A/B, medians and ranges, CPU seconds, a table and one JSON line."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import machine

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
Figures = dict[str, float]


def cpu_here() -> float:
    """CPU seconds of this process so far, all its threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_here() -> float:
    """Largest resident memory of this process so far, in MB (Linux counts it in kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, its children that live, and those it has waited for. Linux only."""
    while True:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return _cpu_of(pid)
        if not Path(f"/proc/{pid}").exists():
            raise ProcessLookupError(pid)  # else it was a child that ended meanwhile: now its parent has its seconds


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICK
    return own + sum(_cpu_of(child) for child in _children(pid))


def peak_of(pid: int) -> float:
    """Largest resident memory of a process and its living children, in MB. Linux only."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return own + sum(peak_of(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def child(module: str, *args: object, env: Mapping[str, str] | None = None, python: str = sys.executable) -> Figures:
    """Run one round of a benchmark module in a process of its own; its last line is the round's figures as JSON.

    Raises RuntimeError with what the process said when it fails.
    """
    command = [python, "-m", f"bench.{module}", *map(str, args)]
    done = subprocess.run(command, env=environment(env), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without settings of another installation, and with the project on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TODOKE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "TODOKE_LOG_LEVEL": "WARNING", **(more or {})}


def interleave(contestants: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """A/B/A/B: every contestant once, then all of them again, so that a slow minute meets all alike. What each has
    reached is told at once: whoever is stopped half-way has it."""
    found: dict[str, list[Figures]] = {name: [] for name in contestants}
    with machine.Machine() as beside:
        for number in range(1, rounds + 1):
            for name, run in contestants.items():
                print(f"round {number}/{rounds}: {name} ...", file=sys.stderr, flush=True)
                beside.figures()
                found[name].append(figures := run() | beside.figures())
                told = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
                print("   ", told, file=sys.stderr, flush=True)
    return found


def summary(found: Mapping[str, Sequence[Figures]]) -> dict[str, dict[str, dict[str, float]]]:
    """Contestant -> figure -> median, least and most over the rounds."""
    return {
        name: {
            key: _spread([one[key] for one in rounds if one.get(key) is not None])
            for key in dict.fromkeys(key for one in rounds for key in one)
        }
        for name, rounds in found.items()
    }


def ratios(found: Mapping[str, Sequence[Figures]], key: str, against: str) -> dict[str, dict[str, float]]:
    """Each contestant's figure over the baseline's of the same round: median and range."""
    return {
        name: _spread([mine[key] / base[key] for mine, base in zip(rounds, found[against], strict=True)])
        for name, rounds in found.items()
        if name != against and all(key in one for one in rounds)
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def report(
    title: str, told: Mapping[str, Mapping[str, Mapping[str, float]]], columns: Mapping[str, str],
    **more: object,
) -> None:  # fmt: skip
    """Print the table (`columns`: figure -> heading; median and range) and, as the last line, one JSON object."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("")
    columns = {**columns, **machine.COLUMNS}
    for heading in columns.values():
        table.add_column(heading, justify="right")
    for name, figures in told.items():
        table.add_row(name, *(shown(figures[key]) if key in figures else "-" for key in columns))
    Console(width=180 if not sys.stdout.isatty() else None).print(table)
    here = {"cpus": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps({"benchmark": title, "machine": here, **more, "figures": told}, ensure_ascii=False))


def shown(spread: Mapping[str, float]) -> str:
    """`median (least..most)`, as many digits as the size of the number bears."""
    median, least, most = (
        f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"
        for value in (spread["median"], spread["least"], spread["most"])
    )
    return median if least == most else f"{median} ({least}..{most})"
