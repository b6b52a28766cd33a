"""Saleor: webhooks of every kind that it sends, and polling by GraphQL."""

from __future__ import annotations

from connectors.sources.saleor.check import check
from connectors.sources.saleor.poll import poll
from connectors.sources.saleor.read import read
from connectors.sources.saleor.subscribe import subscribe
from connectors.sources.saleor.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="saleor",
        title="Saleor",
        title_ja="Saleor",
        modes=("webhook", "poll"),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation"}),
        settings={
            "type": "object",
            "properties": {
                "url": {
                    "type": "string",
                    "pattern": r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
                    "title": "Address of the Saleor: https://<your>.saleor.cloud",
                    "title_ja": "Saleorのアドレス（例: https://example.saleor.cloud）",
                },
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Token of an app with the permission MANAGE_ORDERS: for polling and for the webhook",
                    "title_ja": "アプリのトークン（MANAGE_ORDERS権限。定期取得とWebhookの登録に使います）",
                },
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "secretKey of a webhook that has one (deprecated by Saleor)",
                    "title_ja": "WebhookのsecretKey（設定している場合だけ。Saleorでは非推奨）",
                },
                "jwks": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Keys that Saleor publishes; fetched and renewed by Todoke",
                    "title_ja": "Saleorが公開する鍵（自動で取得・更新します）",
                },
                "source_mails": {
                    "type": "string",
                    "enum": ["yes", "no"],
                    "default": "yes",
                    "title": "Whether Saleor or another app writes when staff asks for it; no: only Todoke does",
                    "title_ja": "お客様への通知を選んだとき、Saleor側もメールを送るか（no: Todokeだけが送る）",
                },
            },
            "additionalProperties": False,
        },
        notifies_customer="maybe",  # by a mailing app, or by the mailer that older versions bring along
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(poll=poll, subscribe=subscribe, check=check, needs=("url",)),
    judged_by=("secret", "jwks"),
)
