"""How tables are drawn: within 100 columns for people, a row a line for whatever reads a pipe."""

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

LISTINGS = (("messages", "list"), ("why", "1001"), ("orders", "list"), ("connections",), ("alarms",))


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
    for words in LISTINGS[:3]:
        lines = on_a_terminal(columns, *words)
        assert len(lines) > 1, words
        assert max(map(cell_len, lines)) <= most, words


def test_a_pipe_gets_each_row_whole_and_plain(shell, told):
    told(order())
    told(parcel())
    for words in LISTINGS:
        lines = shell.ok(*words).out.splitlines()
        assert len(lines) == len(shell.json(*words)) + bool(lines), words
        assert [line for line in lines if "\x1b" in line or line != line.rstrip()] == [], words


def test_what_is_long_stands_in_one_piece_in_a_pipe(shell, shop):
    folder = shell.folder / ("very-long-" * 20)
    folder.mkdir()
    path = folder / "a file of the shop's.jsonl"
    path.write_text("nonsense\n", encoding="utf-8")
    ran = shell("ingest", shop, str(path))
    assert ran.code == 1
    assert f"{path}:1  refused  it is not JSON" in ran.out
