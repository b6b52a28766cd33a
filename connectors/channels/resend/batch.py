"""Many mails for Resend at once (https://resend.com/docs/api-reference/emails/send-batch-emails).

Attachments and `scheduled_at`, which a batch does not take, are in no mail of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from zlib import crc32

import msgspec

from connectors.parts.sending.batch import array, nobody_knows
from engine.contracts import Answer, Batch, Failure, HttpRequest


class _Mistake(msgspec.Struct, frozen=True):
    index: int
    message: str = ""


class _Told(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw]
    errors: list[_Mistake] = []


def join(requests: Sequence[HttpRequest]) -> HttpRequest:
    """Permissive, so that a mail with a mistake keeps no other from leaving. The key is made of the mails' own keys and
    of what they say, since Resend refuses a key that it knows if it comes with another body; a checksum does for that,
    where a digest would cost as much as writing the mail."""
    whole, made = array(requests), sha256()
    for one in requests:
        made.update(b"%b %d %d\n" % (one.headers["idempotency-key"].encode(), len(one.body), crc32(one.body)))
    told = {"idempotency-key": f"batch/{made.hexdigest()}", "x-batch-validation": "permissive"}
    return replace(whole, headers={**whole.headers, **told})


def split(answer: Answer, count: int) -> Sequence[Answer | Failure | None]:
    """`data` has those that were taken, in order; `errors` names the places of the others, without the name of an
    error, which their answers alone do have."""
    try:
        told = msgspec.json.decode(answer.body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return nobody_knows("an answer to a batch without its data", count)
    refused = {one.index for one in told.errors}
    if len(refused) + len(told.data) != count or not refused <= set(range(count)):
        what = f"{len(told.data)} taken and {len(refused)} refused"
        return nobody_knows(f"{what}, in an answer to a batch of {count}", count)
    taken = iter(told.data)
    return [None if place in refused else replace(answer, body=bytes(next(taken))) for place in range(count)]


# Resend names no limit for a batch; 40 MB is that of one mail (https://resend.com/docs/dashboard/emails/attachments).
BATCH = Batch(most=100, largest=40_000_000, join=join, split=split, by_request=True)
