"""Any JSON, CSV or XML, read as one mapping file says: for systems that have no connector of their own."""

from __future__ import annotations

from collections.abc import Mapping as _Table
from datetime import timedelta

from connectors.sources.mapped.mapping import MOST_LETTERS, mapping_of
from connectors.sources.mapped.places import Mistake
from connectors.sources.mapped.poll import check, poll
from connectors.sources.mapped.read import read
from connectors.sources.mapped.remarks import remarks
from connectors.sources.mapped.trust import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = {
    "type": "object",
    "properties": {
        "mapping": {
            "type": "string",
            "file": True,
            "minLength": 1,
            "maxLength": MOST_LETTERS,
            "title": "The mapping, as --set mapping=@FILE",
            "title_ja": "マッピング(--set mapping=@ファイル)",
        },
        "secret": {
            "type": "string",
            "secret": True,
            "title": "Secret by which posts are verified",
            "title_ja": "受信の検証に使うシークレット",
        },
        "url": {
            "type": "string",
            "pattern": "^https?://",
            "title": "Address of the API that is polled",
            "title_ja": "ポーリングする API のアドレス",
        },
        "token": {"type": "string", "secret": True, "title": "Token of the API", "title_ja": "API のトークン"},
        "user": {"type": "string", "secret": True, "title": "User of the API", "title_ja": "API のユーザー名"},
        "password": {"type": "string", "secret": True, "title": "Password of the API", "title_ja": "API のパスワード"},
        "timezone": {
            "type": "string",
            "title": "Time zone of times without one, instead of the mapping's",
            "title_ja": "日時のタイムゾーン(マッピングの指定に優先)",
        },
        "route": {
            "enum": ["no", "yes"],
            "default": "no",
            "title": "Route records to merchants by `owner` of the mapping",
            "title_ja": "マッピングの owner で店舗へ振り分ける",
        },
    },
    "patternProperties": {
        r"^route\..+$": {"type": "string", "title": "Merchant of an owner", "title_ja": "荷主に対応する店舗"},
    },
    "required": ["mapping"],
    "additionalProperties": False,
}


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
