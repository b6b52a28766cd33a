"""A fresh installation for one round: its own home, one merchant, a Shopify source, a mail server; all by commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rounds import ROOT, environment
from bench.sink import Sink, free_port, wait_for
from bench.workload import SECRET, SHOP

TODOKE = (sys.executable, "-c", "import cli; cli.app()")
SHOP_SETTINGS = {
    "company": "株式会社はなれ", "address": "〒100-0000 東京都千代田区架空町1-2-3", "phone": "03-0000-1001",
    "support_email": "support@hana.example", "url": "https://hana.example",
}  # fmt: skip


@dataclass(frozen=True)
class Home:
    """An installation. `source` is the id of the Shopify connection."""

    path: Path
    source: str

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "todoke.db"

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that belongs to it."""
        return environment({"TODOKE_HOME": str(self.path)})


@contextmanager
def installed(mail: Sink | None) -> Iterator[Home]:
    """A new installation; its files are removed afterwards. Without a mail server messages go to its mailbox."""
    with TemporaryDirectory(prefix="todoke-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        home = Path(folder)
        kept = [word for name, value in SHOP_SETTINGS.items() for word in ("--set", f"{name}={value}")]
        _todoke(home, "merchant", "add", "hana", "--name", "花と器 はなれ", "--from-email", "shop@hana.example", *kept)
        secrets = ("--set", f"secret={SECRET}", "--set", f"shop={SHOP}")
        made = _todoke(home, "connect", "shopify", "--merchant", "hana", *secrets, "--json")
        if mail is not None:
            _todoke(home, "connect", "smtp", "--merchant", "hana", "--set", f"url={mail.url}", "--set", "tls=none")
        yield Home(path=home, source=json.loads(made)["connection"])


@contextmanager
def running(home: Home, command: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`todoke up` or `todoke web` of that installation: (process, port). Stopped by SIGTERM afterwards."""
    port = free_port()
    process = subprocess.Popen(
        [*TODOKE, command, "--port", str(port)], env=home.env, cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=(home.path / "stderr.log").open("w"), text=True,
    )  # fmt: skip
    try:
        wait_for(port)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _todoke(home: Path, *words: str) -> str:
    env = environment({"TODOKE_HOME": str(home)})
    done = subprocess.run([*TODOKE, *words], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"todoke {' '.join(words)}: {re.sub(SECRET, '...', done.stderr)}")
    return done.stdout
