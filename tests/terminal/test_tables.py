"""How tables are drawn on a terminal: within 100 columns, and within its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

import cli
from tests.terminal.said import order, parcel

LISTINGS = (("messages", "list"), ("why", "1001"), ("orders", "list"))


def on_a_terminal(columns: int, *words: str) -> list[str]:
    """The lines that the command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", "import cli; cli.app()", *words], cwd=Path(cli.__file__).parent,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
    ):  # fmt: skip
        os.close(theirs)
        written = b""
        try:
            while read := os.read(ours, 65_536):
                written += read
        except OSError:  # Linux says so when the last writer is gone
            pass
    os.close(ours)
    return written.decode().splitlines()


@pytest.mark.parametrize(("columns", "most"), [(160, 100), (64, 64)])
def test_a_table_fits_100_columns_and_the_terminal(shell, told, columns, most):
    told(order())
    told(parcel())
    for words in LISTINGS:
        lines = on_a_terminal(columns, *words)
        assert len(lines) > 1, words
        assert max(map(cell_len, lines)) <= most, words
