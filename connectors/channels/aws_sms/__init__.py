"""SMS through AWS End User Messaging."""

from __future__ import annotations

from connectors.channels.aws_sms.account import check
from connectors.channels.aws_sms.feedback import identify, read
from connectors.channels.aws_sms.send import SETTINGS, classify, objections, prepare
from connectors.parts.senders.sns import verify
from connectors.parts.senders.sns_keys import API
from engine.contracts import Capabilities, Channel, Feedback

CHANNEL = Channel(
    name="aws_sms",
    title="AWS End User Messaging SMS",
    title_ja="AWS End User Messaging(SMS)",
    medium="sms",
    transport="http",
    settings=SETTINGS,
    # Parts a second depend on the sender and the country: 429 slows down.
    capabilities=Capabilities(receipts=True),
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="sns_certificates"),  # noqa: S106 a name
    api=API,
    check=check,
)
