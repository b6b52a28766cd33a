"""Mail through SendGrid (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send)."""

from __future__ import annotations

from connectors.channels.sendgrid.account import check
from connectors.channels.sendgrid.feedback import identify, read, verify
from connectors.channels.sendgrid.send import SETTINGS, classify, prepare
from connectors.parts.sending.mail_api import objections
from engine.contracts import Capabilities, Channel, Feedback, MailDns

CHANNEL = Channel(
    name="sendgrid",
    title="Twilio SendGrid",
    title_ja="SendGrid(メール配信API)",
    medium="email",
    mail_dns=MailDns(spf="include:sendgrid.net", selectors=("s1", "s2")),
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(receipts=True),  # it publishes no rate, and knows no idempotency key
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="webhook_key"),  # noqa: S106 a name
    check=check,
)
