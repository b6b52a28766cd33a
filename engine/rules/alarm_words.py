"""Alarms in words: a title, a sentence with the figures, and what to type next; in Japanese and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from engine.rules import wording
from engine.rules.alarm import Kind
from engine.rules.english import Count

Locale = Literal["ja", "en"]
TOKYO = ZoneInfo("Asia/Tokyo")
LISTED = "todoke messages list --state {state} --merchant {merchant}"
STOP = 'todoke pause --merchant {merchant} --journey {journey} --reason "{why}"'


@dataclass(frozen=True)
class Words:
    """Of one alarm in one language. `then` is a command."""

    title: str
    text: str
    then: str


# kind -> title ja, en; sentence ja, en; what to type next. A slot that the values lack stays empty.
WORDS: Mapping[Kind, tuple[str, str, str, str, str]] = {
    "silent": (
        "接続から通知が届いていません", "A connection has gone silent",
        "{connection}: {since}から{span}、何も届いていません。ふだん通知がある時間帯が{missed}時間ぶん過ぎました。",
        "{connection}: nothing received since {since} ({span}). {missed:hour in which something usually comes has"
        "|hours in which something usually comes have} passed.",
        "todoke connections",
    ),
    "backlog": (
        "処理が滞っています", "Work is piling up",
        "{queue}が{count}件たまり、最も古いものは{span}待っています。",
        "{queue}: {count} waiting, the oldest for {span}.",
        "todoke alarms",
    ),
    "workers_absent": (
        "ワーカーが動いていません", "No worker is running",
        "処理待ちが{count}件ありますが、取りかかるワーカーがありません。最後の応答: {ago}。",
        "{count:is|are} waiting and no worker takes them up. Last sign of one: {ago}.",
        "todoke worker",
    ),
    "unknown": (
        "送信できたか不明なメッセージがあります", "Messages may or may not have left",
        "{merchant} の {journey}: {count}件が送信できたか確認できません。自動では再送しません。",
        "{merchant}, {journey}: {count} may or may not have left. They are not sent again by themselves.",
        LISTED,
    ),
    "dead": (
        "送信できなかったメッセージがあります", "Messages could not be sent",
        "{merchant} の {journey}: {count}件の送信をあきらめました。",
        "{merchant}, {journey}: {count:was|were} given up.",
        LISTED,
    ),
    "dead_deliveries": (
        "処理できない通知があります", "Deliveries could not be worked on",
        "{connection}: {count}件の通知が {state} です。原因を直したあと、もう一度処理できます。",
        "{connection}: {count:delivery is|deliveries are} {state}. Once the cause is gone they can be worked on again.",
        "todoke messages replay --connection {connection} --state {state}",
    ),
    "account_held": (
        "送信アカウントが停止しています", "A sending account is held",
        "{connection}: {held}のため、{until}送信を待っています。メッセージは失われません。",
        "{connection}: {held}; sending waits {until}. No message is lost.",
        "todoke connections",
    ),
    "breaker_open": (
        "送信先の不調が続いています", "A provider keeps failing",
        "{connection}: 失敗が続いたため送信を控えています({trips}回目)。{until}待って、また試します。",
        "{connection}: sending is held back after failures (time {trips}); the next try waits {until}.",
        "todoke connections",
    ),
    "volume_fuse": (
        "送信数が多すぎるため止めました", "Stopped: far more messages than usual",
        "{since}、{merchant} の {journey} を一時停止しました。内容を確かめてから再開してください。",
        "{merchant}, {journey} was paused at {since}. Look at what is planned before you resume.",
        "todoke resume --merchant {merchant} --journey {journey}",
    ),
    "restore_fence": (
        "復元後の送信停止中です", "Sending is fenced after a restore",
        "{since}から送信を止めています。「不明」のメッセージを確かめてください。残りは再開すると送られます。",
        "Nothing is sent since {since}. Look at what is unknown; the rest leaves when you resume.",
        "todoke resume",
    ),
    "recipient_twice": (
        "同じ方に二度届いた可能性があります", "The same recipient may have got a message twice",
        "{merchant} の {journey}: {count}件。{messages}",
        "{merchant}, {journey}: {count}. {messages}",
        STOP,
    ),
    "more_than_planned": (
        "予定より多く送信しています", "More was sent than planned",
        "{merchant} の {journey}: 予定{planned}件に対して受理{accepted}件、同じ荷物の同じ通知は最多{most}件。",
        "{merchant}, {journey}: {accepted} accepted for {planned} planned; at most {most} of one kind for one parcel.",
        STOP,
    ),
    "login_refused": (
        "接続先の認証に失敗しています", "A connection's credentials are refused",
        "{connection}: {reason}。{span}前から問い合わせができません。認証情報を更新してください。",
        "{connection}: {reason}. Its system has not been asked for {span}. Renew the credentials.",
        "todoke connections set {connection} KEY=VALUE",
    ),
    "not_answered": (
        "接続先に問い合わせできません", "A connection's system cannot be asked",
        "{connection}: {named}に{span}失敗しています({reason})。失われたものはなく、自動で再試行します。",
        "{connection}: {named} has failed for {span} ({reason}). Nothing is lost; it is tried again.",
        "todoke connections check {connection}",
    ),
    "hook_failing": (
        "Webhookの送信先が応答していません", "A webhook endpoint takes nothing",
        "{hook}: {since}から通知を受け取っていません（{reason}）。しばらく再送を続けます。",
        "{hook}: it has taken nothing since {since} ({reason}). Events are told again for some time.",
        "todoke hooks list",
    ),
    "hook_disabled": (
        "Webhookの送信を止めました", "A webhook endpoint was disabled",
        "{hook}: {reason}。たまった通知は保存されています。送信先を直してから再開してください。",
        "{hook}: {reason}. What it was to be told is kept; mend it, then enable it.",
        "todoke hooks enable {hook}",
    ),
    "credential_expires": (
        "認証情報の期限が近づいています", "Credentials run out",
        "{connection}: {name} の期限は{at}です(あと{days}日)。切れると問い合わせも送信もできません。",
        "{connection}: {name} runs out at {at} ({days:day|days} left). Then nothing can be asked or sent with it.",
        "todoke connections set {connection} {name}=...",
    ),
}  # fmt: skip

NAMES: Mapping[str, tuple[str, str]] = {
    "transactional": ("注文・配送のメッセージ", "Order and delivery messages"),
    "service": ("お願い・ご案内のメッセージ", "Requests and offers"),
    "inbox": ("届いた通知", "Received deliveries"),
    "outbound": ("接続先への問い合わせ", "What is to be asked of systems"),
    "poll": ("定期取得", "polling"),
    "backfill": ("過去分の取得", "reaching back"),
    "fetch": ("内容の取得", "fetching"),
    "subscribe": ("Webhook の登録", "registering webhooks"),
    "collect": ("ファイルの取得", "collecting files"),
    "check": ("接続の確認", "the check"),
    "quota": ("送信枠の上限", "its quota is used up"),
    "account": ("アカウントや認証の問題", "the account or its credentials are refused"),
    "provider": ("送信先の不調", "its provider fails"),
}


def words(kind: Kind, values: Mapping[str, Any], locale: Locale, *, zone: ZoneInfo = TOKYO) -> Words:
    """The alarm in words; times in `zone`."""
    ja = locale == "ja"
    title, text = (WORDS[kind][0 if ja else 1], WORDS[kind][2 if ja else 3])
    filled = _filled(kind, values, locale, zone)
    return Words(title, text.format_map(filled).strip(), WORDS[kind][4].format_map(filled))


class _Slots(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _filled(kind: Kind, values: Mapping[str, Any], locale: Locale, zone: ZoneInfo) -> _Slots:
    ja = locale == "ja"
    filled = _Slots({name: Count(value) if isinstance(value, int) else str(value) for name, value in values.items()})
    for slot in ("queue", "held_for"):
        if slot in values:
            filled["held" if slot == "held_for" else slot] = _name(values[slot], ja)
    if "errand" in values:
        filled["named"] = _name(values["errand"], ja)
    for slot in ("since", "until"):
        if slot in values:
            filled[slot] = wording.moment(datetime.fromisoformat(values[slot]).astimezone(zone), locale)
    until = filled.get("until")
    filled["at"] = until or ""
    filled["until"] = (f"{until}まで" if ja else f"until {until}") if until else ("" if ja else "until it works again")
    if "minutes" in values:
        filled["span"] = span(values["minutes"], locale)
        filled["ago"] = f"{filled['span']}前" if ja else f"{filled['span']} ago"
    filled.setdefault("ago", "なし" if ja else "never")
    if "messages" in values:
        filled["messages"] = ", ".join(values["messages"])
    filled.setdefault("state", kind)
    filled["why"] = "二重送信の確認" if ja else "looking into doubles"
    return filled


def _name(value: str, ja: bool) -> str:
    return NAMES[value][0 if ja else 1] if value in NAMES else value


def span(minutes: int, locale: Locale) -> str:
    """So many minutes as people say it: to the minute below a day, to the hour above."""
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = ((days, "日", "d"), (hours, "時間", "h"), (rest if not days else 0, "分", "min"))
    said = [f"{n}{ja}" if locale == "ja" else f"{n} {en}" for n, ja, en in units if n]
    return ("" if locale == "ja" else " ").join(said) or ("0分" if locale == "ja" else "0 min")
