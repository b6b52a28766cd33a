"""Mail through Mailgun (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages)."""

from __future__ import annotations

from connectors.channels.mailgun.account import check
from connectors.channels.mailgun.feedback import identify, read, verify
from connectors.channels.mailgun.send import SETTINGS, classify, prepare
from connectors.parts.sending.mail_api import objections
from engine.contracts import Capabilities, Channel, Feedback, MailDns

CHANNEL = Channel(
    name="mailgun",
    title="Mailgun",
    title_ja="Mailgun(メール配信API)",
    medium="email",
    mail_dns=MailDns(spf="include:mailgun.org", selectors=("mx", "k1", "pic", "smtp", "krs", "mailo", "email")),
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(receipts=True),  # it publishes no rate, and knows no idempotency key
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="webhook_key"),  # noqa: S106 a name
    check=check,
)
