"""Files of orders and shipments as any warehouse exports them: columns by header or by number."""

from __future__ import annotations

from connectors.parts.senders.trust import identify, verify
from connectors.sources.csv.columns import synonyms
from connectors.sources.csv.reading import CURRENCY, TIME_ZONE, read
from engine.contracts import Manifest, Source

SETTINGS = {
    "type": "object",
    "properties": {
        "secret": {
            "type": "string",
            "secret": True,
            "title": "Secret for posted files",
            "title_ja": "ファイル送信用シークレット",
        },
        "encoding": {
            "enum": ["auto", "utf-8", "cp932"],
            "default": "auto",
            "title": "Encoding",
            "title_ja": "文字コード",
        },
        "delimiter": {
            "enum": ["auto", "comma", "tab", "semicolon"],
            "default": "auto",
            "title": "Delimiter",
            "title_ja": "区切り文字",
        },
        "header": {
            "enum": ["auto", "yes", "no"],
            "default": "auto",
            "title": "Is the first row a header?",
            "title_ja": "1行目は見出しか",
        },
        "timezone": {
            "type": "string",
            "default": TIME_ZONE,
            "title": "Time zone of the dates",
            "title_ja": "日時のタイムゾーン",
        },
        "date_format": {
            "type": "string",
            "title": "Form of dates that are not year first (as %m/%d/%Y)",
            "title_ja": "年から始まらない日付の書式(例 %m/%d/%Y)",
        },
        "currency": {
            "type": "string",
            "default": CURRENCY,
            "title": "Currency of amounts",
            "title_ja": "金額の通貨",
        },
        "route": {
            "enum": ["no", "yes"],
            "default": "no",
            "title": "Route rows to merchants by the owner column",
            "title_ja": "荷主の列で店舗へ振り分ける",
        },
        **{
            f"column.{field}": {"type": "string", "title": f"Column of {field}", "title_ja": f"{field} の列"}
            for field in synonyms()
        },
    },
    "patternProperties": {
        r"^route\..+$": {"type": "string", "title": "Merchant of an owner", "title_ja": "荷主に対応する店舗"},
    },
    "additionalProperties": False,
}

SOURCE = Source(
    manifest=Manifest(
        name="csv",
        title="CSV files",
        title_ja="CSVファイル",
        modes=("file", "webhook"),
        capabilities=frozenset(
            {"items", "contact", "tracking", "scans", "partial_shipments", "cancellation", "routing", "eta"}
        ),
        settings=SETTINGS,
        time_zone=TIME_ZONE,
        notifies_customer="no",
    ),
    verify=verify,
    read=read,
    identify=identify,
)
