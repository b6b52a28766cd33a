"""ISO-2022-JP, for shops whose readers still have devices that know no UTF-8. Only for what it carries without loss:
髙, ①, half-width katakana and emoji are in none of its sets, and a name must not become another one."""

from __future__ import annotations

from binascii import b2a_base64

NAME = "ISO-2022-JP"
_CODEC = "iso2022_jp"
_FRAME = len(f"=?{NAME}?B??=")
_WIDEST = 76  # columns of a line that holds an encoded word (RFC 2047 section 2)
_WORD_OCTETS = (75 - _FRAME) // 4 * 3


def carries(*texts: str) -> bool:
    """Do all of these come back as they were?"""
    try:
        return all(text.encode(_CODEC).decode(_CODEC) == text for text in texts)
    except UnicodeError:
        return False


def encoded(text: str) -> bytes:
    """The bytes; lines end in ASCII. Raises UnicodeEncodeError for what it does not carry."""
    return text.encode(_CODEC)


def words(value: str, used: int) -> str:
    """RFC 2047 words, one a line, each beginning and ending in ASCII; the first line has `used` columns taken."""
    found: list[str] = []
    chunk, room = "", (_WIDEST - used - _FRAME) // 4 * 3
    for char in value:
        if chunk and len((chunk + char).encode(_CODEC)) > room:
            found.append(chunk)
            chunk, room = "", _WORD_OCTETS
        chunk += char
    found.append(chunk)
    return "\r\n ".join(f"=?{NAME}?B?{b2a_base64(one.encode(_CODEC), newline=False).decode()}?=" for one in found)
