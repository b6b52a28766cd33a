"""Shopify: order, fulfilment, carrier-event, refund and return webhooks, and polling of the same by GraphQL."""

from __future__ import annotations

from connectors.parts.settings import secret, settings, text
from connectors.sources.shopify.check import check
from connectors.sources.shopify.poll import poll
from connectors.sources.shopify.read import read
from connectors.sources.shopify.subscribe import subscribe
from connectors.sources.shopify.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Signing secret of the webhooks (or the app's client secret)",
            "Webhookの署名シークレット（アプリではクライアントシークレット）",
        ),
        "shop": text(
            "Shop domain: deliveries of another shop are refused",
            "ショップのドメイン（別のショップからの通知は受け付けません）",
            pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        ),
        "client_id": text(
            "Client ID of an app of your own: for polling and for the webhooks",
            "自社アプリのクライアントID（定期取得とWebhookの登録に使います）",
        ),
        "client_secret": secret(
            "Client secret of that app, which signs its webhooks as well: set `secret` to it too",
            "自社アプリのクライアントシークレット（Webhookの署名にも使われます）",
        ),
        "token": secret(
            "Admin API access token, in place of client_id and client_secret",
            "Admin APIアクセストークン（クライアントIDとシークレットの代わり）",
        ),
        "access_token": secret(
            "Token of a day; fetched and renewed by Todoke", "1日有効なトークン（自動で取得・更新します）"
        ),
        "url": text(
            "Address of the Admin API, when it is not https://<shop>",
            "Admin APIのアドレス（https://<shop> と異なる場合だけ）",
            pattern=r"^https?://[^\s/?#]+$",
        ),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="shopify",
        title="Shopify",
        title_ja="Shopify",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation",
            "delivery_id", "eta",
        }),
        settings=SETTINGS,
        notifies_customer="maybe",  # it mails about orders and dispatch until the shop switches that off
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(poll=poll, subscribe=subscribe, check=check, needs=("shop",)),
)  # fmt: skip
