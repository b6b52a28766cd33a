"""Mail through Postmark (https://postmarkapp.com/developer/api/email-api)."""

from __future__ import annotations

from connectors.channels.postmark.account import check
from connectors.channels.postmark.batch import BATCH
from connectors.channels.postmark.feedback import identify, read, verify
from connectors.channels.postmark.send import SETTINGS, classify, prepare
from connectors.parts.sending.mail_api import objections
from engine.contracts import Capabilities, Channel, Feedback, MailDns

CHANNEL = Channel(
    name="postmark",
    title="Postmark",
    title_ja="Postmark(メール配信API)",
    medium="email",
    mail_dns=MailDns(spf="include:spf.mtasv.net"),
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(receipts=True),  # it publishes no rate, and knows no idempotency key
    prepare=prepare,
    classify=classify,
    objections=objections,
    batch=BATCH,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="webhook_secret"),  # noqa: S106 a name
    check=check,
)
