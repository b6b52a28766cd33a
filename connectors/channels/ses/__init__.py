"""Mail through Amazon SES (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html)."""

from __future__ import annotations

from connectors.channels.ses.account import check
from connectors.channels.ses.feedback import identify, read
from connectors.channels.ses.send import SETTINGS, classify, prepare
from connectors.parts.senders.sns import verify
from connectors.parts.senders.sns_keys import API
from connectors.parts.sending.mail_api import objections
from engine.contracts import Capabilities, Channel, Feedback, MailDns

CHANNEL = Channel(
    name="ses",
    title="Amazon SES",
    title_ja="Amazon SES(メール配信API)",
    medium="email",
    mail_dns=MailDns(spf="include:amazonses.com"),
    transport="http",
    settings=SETTINGS,
    # No idempotency key. What an account may send in a second is its own: `check` tells it, 429 slows down.
    capabilities=Capabilities(receipts=True),
    prepare=prepare,
    classify=classify,
    objections=objections,
    # SNS signs with keys that it publishes: they are what its deliveries are judged by.
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="sns_certificates"),  # noqa: S106 a name
    api=API,
    check=check,
)
