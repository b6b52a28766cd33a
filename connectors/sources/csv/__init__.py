"""Files of orders and shipments as any warehouse exports them: columns by header or by number."""

from __future__ import annotations

from connectors.parts.senders.trust import identify, verify
from connectors.parts.settings import choice, secret, settings, text
from connectors.sources.csv.columns import synonyms
from connectors.sources.csv.reading import CURRENCY, TIME_ZONE, read
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Secret for posted files", "ファイル送信用シークレット"),
        "encoding": choice("Encoding", "文字コード", "auto", "utf-8", "cp932", default="auto"),
        "delimiter": choice("Delimiter", "区切り文字", "auto", "comma", "tab", "semicolon", default="auto"),
        "header": choice("Is the first row a header?", "1行目は見出しか", "auto", "yes", "no", default="auto"),
        "timezone": text("Time zone of the dates", "日時のタイムゾーン", default=TIME_ZONE),
        "date_format": text(
            "Form of dates that are not year first (as %m/%d/%Y)", "年から始まらない日付の書式(例 %m/%d/%Y)"
        ),
        "currency": text("Currency of amounts", "金額の通貨", default=CURRENCY),
        **{f"column.{field}": text(f"Column of {field}", f"{field} の列") for field in synonyms()},
    }
)

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
