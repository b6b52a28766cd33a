"""The usual stacks need packages that the project does not: a venv of their own, made on first use outside of it."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

from bench.rounds import Figures, child

WANTED = Path(__file__).resolve().parent / "requirements.txt"
NEEDS = {"celery_round": "redis-server", "post_office_round": None}
TITLES = {"celery_round": "Celery + Redis", "post_office_round": "django-post_office"}


def contestants(orders: int) -> dict[str, Callable[[], Figures]]:
    """Title -> one round of that stack; those whose server program is missing are left out, which is said."""
    python = str(_python())
    found: dict[str, Callable[[], Figures]] = {}
    for module, program in NEEDS.items():
        if program and not shutil.which(program):
            print(f"{TITLES[module]} is left out: {program} is missing (apt-get install {program})", file=sys.stderr)
            continue
        found[TITLES[module]] = functools.partial(child, f"usual.{module}", orders, python=python)
    return found


def _python() -> Path:
    name = f"todoke-bench-usual-{hashlib.sha256(WANTED.read_bytes()).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing the usual stacks into {folder} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", WANTED], check=True)
        (folder / "complete").touch()
    return python
