"""Shopify: order, fulfilment, carrier-event and refund webhooks."""

from __future__ import annotations

from connectors.sources.shopify.read import read
from connectors.sources.shopify.verify import identify, verify
from engine.contracts import Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="shopify",
        title="Shopify",
        title_ja="Shopify",
        modes=("webhook",),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation",
            "delivery_id", "eta",
        }),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Signing secret of the webhooks (or the app's client secret)",
                    "title_ja": "Webhookの署名シークレット（アプリではクライアントシークレット）",
                },
                "shop": {
                    "type": "string",
                    "pattern": r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
                    "title": "Shop domain: deliveries of another shop are refused",
                    "title_ja": "ショップのドメイン（別のショップからの通知は受け付けません）",
                },
            },
            "required": ["secret"],
            "additionalProperties": False,
        },
        notifies_customer="maybe",  # it mails about orders and dispatch until the shop switches that off
    ),
    verify=verify,
    read=read,
    identify=identify,
)  # fmt: skip
