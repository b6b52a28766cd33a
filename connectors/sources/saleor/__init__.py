"""Saleor: webhooks of every kind that it sends, and polling by GraphQL."""

from __future__ import annotations

from connectors.parts.settings import address, secret, settings, yes_or_no
from connectors.sources.saleor.check import check
from connectors.sources.saleor.poll import poll
from connectors.sources.saleor.read import read
from connectors.sources.saleor.subscribe import subscribe
from connectors.sources.saleor.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "url": address(
            "Address of the Saleor: https://<your>.saleor.cloud",
            "Saleorのアドレス（例: https://example.saleor.cloud）",
        ),
        "token": secret(
            "Token of an app with the permission MANAGE_ORDERS: for polling and for the webhook",
            "アプリのトークン（MANAGE_ORDERS権限。定期取得とWebhookの登録に使います）",
        ),
        "secret": secret(
            "secretKey of a webhook that has one (deprecated by Saleor)",
            "WebhookのsecretKey（設定している場合だけ。Saleorでは非推奨）",
        ),
        "jwks": secret(
            "Keys that Saleor publishes; fetched and renewed by Todoke",
            "Saleorが公開する鍵（自動で取得・更新します）",
        ),
        "source_mails": yes_or_no(
            "Whether Saleor or another app writes when staff asks for it; no: only Todoke does",
            "お客様への通知を選んだとき、Saleor側もメールを送るか（no: Todokeだけが送る）",
            default="yes",
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="saleor",
        title="Saleor",
        title_ja="Saleor",
        modes=("webhook", "poll"),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation"}),
        settings=SETTINGS,
        notifies_customer="maybe",  # by a mailing app, or by the mailer that older versions bring along
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(poll=poll, subscribe=subscribe, check=check, needs=("url",)),
    judged_by=("secret", "jwks"),
)
