"""Any JSON, CSV or XML, read as one mapping file says: for systems that have no connector of their own."""

from __future__ import annotations

from collections.abc import Mapping as _Table
from datetime import timedelta

from connectors.parts.settings import address, secret, settings, text
from connectors.sources.mapped.mapping import MOST_LETTERS, mapping_of
from connectors.sources.mapped.places import Mistake
from connectors.sources.mapped.poll import check, poll
from connectors.sources.mapped.read import read
from connectors.sources.mapped.remarks import remarks
from connectors.sources.mapped.trust import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "mapping": {
            "type": "string",
            "file": True,
            "minLength": 1,
            "maxLength": MOST_LETTERS,
            "title": "The mapping, as --set mapping=@FILE",
            "title_ja": "マッピング(--set mapping=@ファイル)",
        },
        "secret": secret("Secret by which posts are verified", "受信の検証に使うシークレット"),
        "url": address("Address of the API that is polled", "ポーリングする API のアドレス"),
        "token": secret("Token of the API", "API のトークン"),
        "user": secret("User of the API", "API のユーザー名"),
        "password": secret("Password of the API", "API のパスワード"),
        "timezone": text(
            "Time zone of times without one, instead of the mapping's", "日時のタイムゾーン(マッピングの指定に優先)"
        ),
    },
    required=("mapping",),
)


def misset(config: _Table[str, str]) -> str | None:
    """What is wrong with the mapping, with its line; None when it can be used."""
    try:
        mapping = mapping_of(config)
    except Mistake as mistake:
        return str(mistake)
    if config.get("route") == "yes" and not all("owner" in record.fields for record in mapping.records):
        return "route=yes: the mapping has no owner: for some record; say there which field names the goods owner"
    return None


SOURCE = Source(
    manifest=Manifest(
        name="mapped",
        title="Mapped (any JSON, CSV or XML)",
        title_ja="マッピング(任意の JSON・CSV・XML)",
        modes=("webhook", "poll", "file"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "routing",
            "delivery_id", "eta",
        }),
        settings=SETTINGS,
        time_zone="Asia/Tokyo",
        notifies_customer="maybe",
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(poll=poll, check=check, needs=("url",), every=timedelta(minutes=5)),
    misset=misset,
    remarks=remarks,
)  # fmt: skip
