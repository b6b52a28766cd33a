"""What we say in a talk to link an account, as a shop would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from connectors.parts.sending.line_events import ASKS

Language = Literal["ja", "en"]

WORDS: Mapping[Language, Mapping[str, str]] = {
    "ja": {
        "title": "ご注文のお知らせをLINEで",
        "text": "発送やお届けのお知らせを、このトークでお受け取りいただけます。ご注文番号と、ご注文時のメールアドレスか"
        "電話番号をご用意ください。連携はいつでも解除できます。",
        "link": "ご注文と連携する",
        "again": "新しいリンクを受け取る",
        "lasts": "リンクは10分間有効です。期限が切れたときは、下の「新しいリンクを受け取る」を押してください。",
        "linked": "LINEとの連携が完了しました。これからのご注文のお知らせは、このトークにお送りします。連携は、"
        "配送状況のページの「お知らせの設定」からいつでも解除できます。",
        "refused": "連携できませんでした。有効期限が切れているか、すでに使われています。お手数ですが、はじめから"
        "もう一度お試しください。",
    },
    "en": {
        "title": "Order updates on LINE",
        "text": "Get news about your orders in this chat. Have your order number ready, and the email address or phone "
        "number you ordered with. You can unlink at any time.",
        "link": "Link my order",
        "again": "Send a new link",
        "lasts": "The link works for 10 minutes. After that, tap “Send a new link” below.",
        "linked": "Your LINE account is linked. News about your orders will come to this chat. You can unlink at any "
        "time under “Message settings” on the tracking page.",
        "refused": "We couldn't link your account. The code or link has expired or was used before. Please start "
        "again.",
    },
}


def plain(words: str) -> dict[str, Any]:
    """A message of text."""
    return {"type": "text", "text": words}


def invitation(language: Language, page: str) -> dict[str, Any]:
    """A message with a button that leads to `page`, and one that asks for a fresh link, however old the message is."""
    words = WORDS[language]
    return {
        "type": "flex", "altText": f"{words['title']}: {words['link']}" if language == "en" else words["title"],
        "contents": {
            "type": "bubble",
            "body": {"type": "box", "layout": "vertical", "spacing": "md", "contents": [
                {"type": "text", "text": words["title"], "weight": "bold", "size": "lg", "wrap": True},
                {"type": "text", "text": words["text"], "wrap": True},
                {"type": "text", "text": words["lasts"], "size": "sm", "color": "#6b6b6b", "wrap": True},
            ]},
            "footer": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": [
                {"type": "button", "style": "primary", "color": "#0b6b57",
                 "action": {"type": "uri", "label": words["link"], "uri": page}},
                {"type": "button", "style": "link", "height": "sm",
                 "action": {"type": "postback", "label": words["again"], "data": ASKS, "displayText": words["again"]}},
            ]},
        },
    }  # fmt: skip
