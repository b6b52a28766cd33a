"""SMS through Vonage: its Messages API, or the older SMS API."""

from __future__ import annotations

from connectors.channels.vonage.account import SETTINGS, check, login
from connectors.channels.vonage.feedback import identify, read, verify
from connectors.channels.vonage.send import classify, objections, prepare
from engine.contracts import Capabilities, Channel, Feedback

CHANNEL = Channel(
    name="vonage",
    title="Vonage (SMS)",
    title_ja="Vonage(SMS)",
    medium="sms",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(receipts=True, per_second=30),  # help.nexmo.com 203993598: 30 requests a second
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="signature_secret"),  # noqa: S106 a name
    login=login,
    check=check,
)
