"""What an SMTP refusal means: one table, read from the top, the first row that fits decides.

The enhanced status (RFC 3463, "5.1.1") says more than the basic code and is asked first, wherever in
the text it stands. Where receivers are known to answer in their own words, a row with words comes
before the general one. Sources: Google's SMTP error list, Yahoo's and Microsoft's sender pages,
docomo's notice to senders, RFC 5321, RFC 3463, RFC 7504.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from engine.contracts import Deferred, FailureScope, Rejected

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)")  # not part of an IP address
_ADDRESS = re.compile(r"<?[^\s<>:;,]+@[^\s<>:;,]+>?")


@dataclass(frozen=True)
class Row:
    """`status` is an enhanced status, the start of one ("5.7."), a basic code, or the start of one ("5").
    `words` must occur in the text, `at` must be the command refused, where given."""

    status: str
    kind: Literal["rejected", "deferred"]
    scope: FailureScope
    words: str = ""
    at: tuple[str, ...] = ()


_NOBODY = (
    r"mailbox (not found|unavailable|is disabled)|no such (user|mailbox|recipient|address)|"
    r"(unknown|invalid) (user|recipient|mailbox)|(user|recipient|mailbox) (is )?unknown|"
    r"does(n't| not) (exist|have an? )|not (a valid|our customer)"
)
_BEFORE_A_SENDER = ("CONNECT", "EHLO", "STARTTLS", "AUTH")

ROWS: tuple[Row, ...] = (
    # 4.x.x: not now
    Row("4.2.2", "deferred", "recipient"),  # mailbox full
    Row("4.2.1", "deferred", "rate", words=r"at a rate|too (quickly|many|fast)"),  # Gmail: one user, too much mail
    Row("4.7.23", "deferred", "account"),  # Gmail: PTR; .27 SPF, .29 TLS, .30 DKIM, .31 and .40 DMARC, .32 alignment
    Row("4.7.27", "deferred", "account"),
    Row("4.7.29", "deferred", "account"),
    Row("4.7.30", "deferred", "account"),
    Row("4.7.31", "deferred", "account"),
    Row("4.7.32", "deferred", "account"),
    Row("4.7.40", "deferred", "account"),
    Row("454", "deferred", "quota", words=r"daily.*quota|quota exceeded"),  # SES: the day's volume is spent
    Row("454", "deferred", "rate", words=r"throttl"),  # SES: the second's
    Row("454", "deferred", "provider", at=("STARTTLS", "AUTH")),
    Row("4.7.", "deferred", "rate"),  # greylisting, volume, complaints: Yahoo TSS04, Microsoft 4.7.650
    Row("4.5.3", "deferred", "rate"),
    Row("4.", "deferred", "provider"),
    Row("421", "deferred", "rate"),
    Row("451", "deferred", "rate"),
    Row("4", "deferred", "provider"),
    # 5.x.x: never like this
    Row("5.4.5", "deferred", "quota"),  # Gmail: daily sending limit, permanent only for today
    Row("5.2.1", "deferred", "rate", words=r"at a rate|too (quickly|many|fast)"),  # Gmail, the permanent twin
    Row("5.2.2", "deferred", "recipient"),  # mailbox full: the customer will empty it, do not suppress
    Row("5.1.7", "rejected", "account"),  # our sender address
    Row("5.1.8", "rejected", "account"),
    Row("5.1.1", "rejected", "recipient"),
    Row("5.1.2", "rejected", "recipient"),
    Row("5.1.3", "rejected", "recipient"),
    Row("5.1.6", "rejected", "recipient"),
    Row("5.1.10", "rejected", "recipient"),  # Exchange: recipient not found; also the null MX of RFC 7505
    Row("5.2.1", "rejected", "recipient"),  # disabled
    Row("5.4.1", "rejected", "recipient"),  # Exchange Online: no such recipient in the directory
    Row("5.4.4", "rejected", "recipient"),  # no route to the domain
    Row("5.4.310", "rejected", "recipient"),  # Exchange Online: the domain does not exist
    Row("5.6.7", "rejected", "recipient"),  # an address outside ASCII that this way cannot reach
    Row("5.2.3", "rejected", "message"),  # larger than this mailbox takes
    Row("5.3.4", "rejected", "message"),
    Row("5.6.", "rejected", "message"),
    Row("5.7.", "rejected", "account"),  # policy, reputation, authentication: never the recipient's fault
    # 5xx with no status, or one that says nothing (Outlook.com: "550 5.5.0 ... mailbox unavailable")
    Row("530", "rejected", "account"),
    Row("534", "rejected", "account"),
    Row("535", "rejected", "account"),
    Row("538", "rejected", "account"),
    Row("5", "rejected", "account", at=_BEFORE_A_SENDER),
    Row("552", "deferred", "recipient", words=r"over ?quota|quota exceeded|mailbox (is )?full|storage"),
    Row("5", "rejected", "recipient", words=_NOBODY, at=("RCPT", "DATA", ".")),  # docomo, au, Yahoo, Outlook.com
    Row("552", "rejected", "message"),  # size
    Row("501", "rejected", "recipient", at=("RCPT",)),
    Row("550", "rejected", "recipient", at=("RCPT",)),
    Row("551", "rejected", "recipient", at=("RCPT",)),
    Row("553", "rejected", "recipient", at=("RCPT",)),
    Row("556", "rejected", "recipient", at=("RCPT",)),
    Row("554", "rejected", "message", at=("DATA", ".")),
    Row("550", "rejected", "account"),
    Row("5", "rejected", "account", at=("MAIL", "RCPT")),
    Row("5", "rejected", "message"),
)


def outcome(code: int | None, command: str | None, text: str) -> Rejected | Deferred:
    """The outcome of a refusal: basic code if there was one, refused command if known, the server's text.

    `code` of the outcome is the enhanced status where there is one. `detail` is the text without it
    and without mail addresses. Raises ValueError for what is no refusal: neither 4xx nor 5xx.
    """
    basic = str(code) if code is not None else ""
    statuses = [match[0] for match in _ENHANCED.finditer(text) if not basic or match[1] == basic[0]]
    enhanced = statuses[0] if statuses else ""
    detail = unnamed(text.removeprefix(enhanced).lstrip() if enhanced else text)  # the code is told beside it
    for row in ROWS:
        if _fits(row, basic, enhanced, command, text):
            if row.kind == "deferred":
                return Deferred(scope=row.scope, code=enhanced or basic, detail=detail)
            return Rejected(scope=row.scope, code=enhanced or basic, detail=detail)
    raise ValueError(f"not a refusal: {basic or 'no code'}")


def unnamed(text: str) -> str | None:
    """What a server said without the mail addresses in it: it is kept, and shown, where no address may stand."""
    return _ADDRESS.sub("<address>", text) or None


def _fits(row: Row, basic: str, enhanced: str, command: str | None, text: str) -> bool:
    if row.at and command not in row.at:
        return False
    if row.words and not re.search(row.words, text, re.IGNORECASE):
        return False
    if "." in row.status:
        return enhanced.startswith(row.status) if row.status.endswith(".") else enhanced == row.status
    return basic.startswith(row.status) or (not basic and enhanced[:1] == row.status)
