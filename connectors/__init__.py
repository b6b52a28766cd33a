"""The registry of connectors: one explicit line each. The engine receives it from cli.py."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import cast

from engine.contracts import Channel, Source

SOURCES: Mapping[str, str] = {
    "csv": "connectors.sources.csv",
    "shopify": "connectors.sources.shopify",
    "standard": "connectors.sources.standard",
    "woocommerce": "connectors.sources.woocommerce",
}

CHANNELS: Mapping[str, str] = {
    "mailbox": "connectors.channels.mailbox",
    "resend": "connectors.channels.resend",
    "smtp": "connectors.channels.smtp",
}


@cache
def source(name: str) -> Source:
    """The source of that name. Raises KeyError for a name that is not registered."""
    return cast(Source, import_module(SOURCES[name]).SOURCE)


@cache
def channel(name: str) -> Channel:
    """The channel of that name. Raises KeyError for a name that is not registered."""
    return cast(Channel, import_module(CHANNELS[name]).CHANNEL)
