"""Our own way in: Standard Webhooks signature, CloudEvents or no envelope, our observation schema."""

from __future__ import annotations

from connectors.sources.standard.reading import TIME_ZONE, read
from connectors.sources.standard.signature import identify, verify
from engine.contracts import Manifest, Source

SETTINGS = {
    "type": "object",
    "properties": {
        "secret": {
            "type": "string",
            "secret": True,
            "title": "Signing secret",
            "title_ja": "署名用シークレット",
            "description": "Base64 of 24 to 64 random bytes; the prefix of Standard Webhooks may stay.",
        },
        "timezone": {
            "type": "string",
            "default": TIME_ZONE,
            "title": "Time zone of times without an offset",
            "title_ja": "オフセットのない日時のタイムゾーン",
        },
    },
    "required": ["secret"],
    "additionalProperties": False,
}

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
