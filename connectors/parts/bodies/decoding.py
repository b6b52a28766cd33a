"""Bytes of a file -> lines of text, without ever guessing silently."""

from __future__ import annotations

import codecs
import re

from engine.contracts import BadRow, Unreadable

ENCODINGS = {"auto": "auto", "utf-8": "utf-8", "utf8": "utf-8", "cp932": "cp932", "shift_jis": "cp932",
             "shift-jis": "cp932", "sjis": "cp932", "windows-31j": "cp932", "ms932": "cp932"}  # fmt: skip
END_OF_FILE = b"\x1a"  # what DOS programs still write after the last line
# What Python's codec makes of the bytes 80, A0, FD, FE and FF, which are no characters.
NO_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")
THREE_BYTES = 3  # kana and kanji in UTF-8; a CP932 line that happens to be valid UTF-8 has none of these


def decode_lines(body: bytes, encoding: str) -> list[str | BadRow]:
    """Return the lines of the file, without line ends; one that cannot be decoded is a BadRow.

    `encoding` is a key of ENCODINGS; "auto" is UTF-8 by its byte order mark or because it is valid (or has
    one line with Japanese that is), else CP932 (what Japanese systems call Shift_JIS). Raises Unreadable
    for an unknown name, for NUL, and when half of the lines that are not ASCII do not fit.
    """
    name = ENCODINGS.get(encoding.strip().lower())
    if name is None:
        raise Unreadable("setting encoding: expected auto, utf-8 or cp932; type `--set encoding=cp932`")
    if b"\x00" in body:
        raise Unreadable("the file holds NUL bytes (is it UTF-16 or a spreadsheet?): save it as CSV in UTF-8")
    raw = body.removeprefix(codecs.BOM_UTF8).rstrip(END_OF_FILE)
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if name == "auto":
        marked = body.startswith(codecs.BOM_UTF8)
        name = "utf-8" if marked or _is_utf8(raw) or any(map(_has_utf8, lines)) else "cp932"
    decoded = [_decoded(line, name, number) for number, line in enumerate(lines, 1)]
    bad = [line for line in decoded if isinstance(line, BadRow)]
    if len(bad) * 2 >= max(1, sum(not line.isascii() for line in lines)):
        raise Unreadable(
            f"the file is neither UTF-8 nor CP932 throughout: line {bad[0].number}: {bad[0].reason}; "
            "save it in one of them, or name it by `--set encoding=...`"
        )
    return decoded


def _decoded(line: bytes, encoding: str, number: int) -> str | BadRow:
    try:
        text = line.decode(encoding)
        stray = NO_CP932.search(text) if encoding == "cp932" else None
        if stray is None:
            return text
        start = len(text[: stray.start()].encode(encoding))
    except UnicodeDecodeError as error:
        start = error.start
    return BadRow(number=number, reason=f"byte {start + 1} of the line is not {encoding.upper()}")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _has_utf8(line: bytes) -> bool:
    if line.isascii() or not _is_utf8(line):
        return False
    return any(len(char.encode()) >= THREE_BYTES for char in line.decode("utf-8"))
