"""Are the keys good, is the order API switched on, and how long does the licence key live?"""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.parts.values import days
from connectors.sources.rakuten.asked import expiry, post
from connectors.sources.rakuten.poll import PLACED, Search, question
from connectors.sources.rakuten.words import ZONE
from engine.contracts import Asking, Conversation, Finding, Renewed, Unanswered

SOON = timedelta(days=14)
NEW_KEY = "RMS → 店舗様向け情報・サービス → WEB APIサービス → 利用設定 → ライセンスキーの確認・変更"


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """The orders of the last hour are searched for, and the end of the licence key is noted. Raises Unanswered for
    what is no fault of the connection."""
    search = Search(kind=PLACED, start=asking.now - timedelta(hours=1), end=asking.now)
    try:
        yield from post(asking, "searchOrder", question(search, 1))
    except Unanswered as refused:
        if refused.why not in {"login", "request"}:
            raise
        do = f"{NEW_KEY}: compare service_secret and license_key, and switch on 楽天ペイ受注API (searchOrder, getOrder)"
        return (Finding(level="error", what=f"RMS: {refused}", do=do),)
    ends = yield from _ends(asking)
    if ends is None:
        return (Finding(level="ok", what="RMS accepts the keys; it does not tell when the licence key runs out"),)
    yield Renewed(until={"license_key": ends})
    told = ends.isoformat(timespec="minutes")
    if ends - asking.now < SOON:
        return (Finding(level="warning", what=f"the licence key runs out at {told}", do=f"{NEW_KEY}: make a new one"),)
    return (Finding(level="ok", what=f"RMS accepts the keys; the licence key lives until {told}"),)


def _ends(asking: Asking) -> Conversation[datetime | None]:
    """The end as RMS tells it; None for a shop that has not switched that API on."""
    try:
        reply = yield from expiry(asking)
    except Unanswered:
        return None
    return days.at(reply.get("expiryDate"), ZONE)
