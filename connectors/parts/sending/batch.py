"""What providers share that take an array of mails, each as it would be posted alone, at the address with /batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.parts import settings as schema
from engine.contracts import Failure, HttpRequest


def array(requests: Sequence[HttpRequest]) -> HttpRequest:
    """One request with the bodies of all, in order."""
    first = requests[0]
    return replace(first, url=f"{first.url}/batch", body=b"[%b]" % b",".join(one.body for one in requests))


def nobody_knows(why: str, count: int) -> list[Failure]:
    """All of them may have been taken, and none of the answer can be told to belong to one of them."""
    return [Failure(stage="handed_over", text=why)] * count


def batch_setting(most: int, usual: int) -> Mapping[str, Any]:
    """How many messages one request may carry, as a setting of the connection."""
    return schema.text(
        f"how many messages that may wait share a request at most: 1 to {most}; without it {usual}",
        f"急がないメッセージをまとめて送る件数の上限(1~{most}、既定は{usual})", pattern=r"^[1-9][0-9]{0,3}(?![\s\S])",
    )  # fmt: skip
