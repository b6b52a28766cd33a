"""The registry of connectors: one explicit line each. The engine receives it from cli.py."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import cast

from engine.contracts import Channel, Source

SOURCES: Mapping[str, str] = {
    "adobe_commerce": "connectors.sources.adobe_commerce",
    "aftership": "connectors.sources.aftership",
    "amazon": "connectors.sources.amazon",
    "base": "connectors.sources.base",
    "csv": "connectors.sources.csv",
    "easypost": "connectors.sources.easypost",
    "eccube": "connectors.sources.eccube",
    "edifact": "connectors.sources.edifact",
    "epcis": "connectors.sources.epcis",
    "logiless": "connectors.sources.logiless",
    "mapped": "connectors.sources.mapped",
    "medusa": "connectors.sources.medusa",
    "next_engine": "connectors.sources.next_engine",
    "ongoing": "connectors.sources.ongoing",
    "openlogi": "connectors.sources.openlogi",
    "rakuten": "connectors.sources.rakuten",
    "saleor": "connectors.sources.saleor",
    "seventeentrack": "connectors.sources.seventeentrack",
    "ship24": "connectors.sources.ship24",
    "shipbob": "connectors.sources.shipbob",
    "shippo": "connectors.sources.shippo",
    "shipstation": "connectors.sources.shipstation",
    "shopify": "connectors.sources.shopify",
    "standard": "connectors.sources.standard",
    "stores": "connectors.sources.stores",
    "woocommerce": "connectors.sources.woocommerce",
    "x12": "connectors.sources.x12",
}

CHANNELS: Mapping[str, str] = {
    "aws_sms": "connectors.channels.aws_sms",
    "fcm": "connectors.channels.fcm",
    "freshdesk": "connectors.channels.freshdesk",
    "judgeme": "connectors.channels.judgeme",
    "line": "connectors.channels.line",
    "line_notice": "connectors.channels.line_notice",
    "mailbox": "connectors.channels.mailbox",
    "mailgun": "connectors.channels.mailgun",
    "postmark": "connectors.channels.postmark",
    "resend": "connectors.channels.resend",
    "sendgrid": "connectors.channels.sendgrid",
    "ses": "connectors.channels.ses",
    "slack": "connectors.channels.slack",
    "sms_gateway": "connectors.channels.sms_gateway",
    "smtp": "connectors.channels.smtp",
    "teams": "connectors.channels.teams",
    "trustpilot": "connectors.channels.trustpilot",
    "twilio": "connectors.channels.twilio",
    "vonage": "connectors.channels.vonage",
    "webpush": "connectors.channels.webpush",
    "whatsapp": "connectors.channels.whatsapp",
    "yotpo": "connectors.channels.yotpo",
    "zendesk": "connectors.channels.zendesk",
}


@cache
def source(name: str) -> Source:
    """The source of that name. Raises KeyError for a name that is not registered."""
    return cast(Source, import_module(SOURCES[name]).SOURCE)


@cache
def channel(name: str) -> Channel:
    """The channel of that name. Raises KeyError for a name that is not registered."""
    return cast(Channel, import_module(CHANNELS[name]).CHANNEL)
