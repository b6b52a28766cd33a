"""Are the tokens good, and may the app see orders?"""

from __future__ import annotations

from datetime import timedelta

from connectors.sources.next_engine.searches import SLIPS, search
from connectors.sources.next_engine.words import BASE
from engine.contracts import Asking, Conversation, Finding, Unanswered

SOON = timedelta(days=1)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """One slip is asked for; nothing changes but the tokens, should they have run out. Raises Unanswered for what is
    no fault of the connection."""
    try:
        yield from search(asking, SLIPS, (BASE + "id",), {}, limit=1)
    except Unanswered as refused:
        if refused.why not in {"login", "request"}:
            raise
        do = {
            "login": "log in to Next Engine by the app again and set access_token and refresh_token anew (see README)",
            "request": "allow 受注伝票検索 and 受注明細検索 to the app (アプリを作る → 編集 → API)",
        }
        return (Finding(level="error", what=f"Next Engine: {refused}", do=do[refused.why]),)
    ends = asking.until.get("refresh_token")
    if ends and ends - asking.now < SOON:
        return (
            Finding(
                level="warning",
                what=f"the refresh token runs out at {ends.isoformat(timespec='minutes')}",
                do="let the connection poll at least once a day, or log in again",
            ),
        )
    return (Finding(level="ok", what="Next Engine accepts the tokens and shows orders"),)
