"""Many mails for Postmark at once (https://postmarkapp.com/developer/api/email-api#send-batch-emails)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from connectors.parts.sending.batch import array, nobody_knows
from engine.contracts import Answer, Batch, Failure


def split(answer: Answer, count: int) -> Sequence[Answer | Failure]:
    """It answers with an array in the order of the mails, whose items say what the answer to one mail says; a good
    status tells nothing of any of them."""
    try:
        items = msgspec.json.decode(answer.body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return nobody_knows("an answer to a batch that is no array", count)
    if len(items) != count:
        return nobody_knows(f"an answer about {len(items)} mails to a batch of {count}", count)
    return [replace(answer, body=bytes(item)) for item in items]


BATCH = Batch(most=500, largest=50_000_000, join=array, split=split)
