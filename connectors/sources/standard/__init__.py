"""Our own way in: Standard Webhooks signature, CloudEvents or no envelope, our observation schema."""

from __future__ import annotations

from connectors.parts.settings import secret, settings, text
from connectors.sources.standard.reading import TIME_ZONE, read
from connectors.sources.standard.signature import identify, verify
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Signing secret: base64 of 24 to 64 random bytes",
            "署名用シークレット（24〜64バイトの乱数をBase64にしたもの）",
        ),
        "timezone": text(
            "Time zone of times without an offset", "オフセットのない日時のタイムゾーン", default=TIME_ZONE
        ),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="standard",
        title="Standard (CloudEvents, Standard Webhooks)",
        title_ja="標準(CloudEvents・Standard Webhooks)",
        modes=("webhook",),
        capabilities=frozenset(
            {
                "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation",
                "delivery_id", "eta",
            }
        ),
        settings=SETTINGS,
        time_zone=TIME_ZONE,
        notifies_customer="no",
    ),
    verify=verify,
    read=read,
    identify=identify,
)  # fmt: skip
