"""How a connection is, in words: what is so, and what to type or click; in Japanese and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from shlex import quote
from typing import Any

from engine.rules import alarm_words, wording
from engine.rules.alarm_words import TOKYO, Locale, span
from engine.rules.english import Count, sentence
from engine.rules.health import Note, NoteKind
from engine.rules.health_fixes import SET, Do, fix
from engine.rules.source_mails import USUAL

REPLAY = "todoke messages replay --connection {id} --state {kind}"

# kind -> in a list, in a few words; ja, en; what to do. One sentence each, without a full stop: they stand in a table.
WORDS: Mapping[NoteKind, tuple[str, str, str, Do]] = {
    "lacking": (
        "{listed} not set", "{names} が未設定のため、システムに問い合わせていません",
        "Its system is not asked: {names} not set", SET,
    ),
    "asked": ("", "最後の問い合わせ: {ago}(次回 {due})", "Asked {ago} (next {due})", ""),
    "waits": ("", "最初の問い合わせを待っています({due})", "Waits to be asked for the first time ({due})", ""),
    "late": ("not asked lately", "問い合わせが止まっています(最後は{ago})", "Last asked {ago}", "todoke worker"),
    "failing": (
        "{errand} fails ({why})", "{errand_ja}に失敗しています({why_ja}、{since}から): {reason}(次回 {again})",
        "{errand} fails ({why}, since {since}): {reason}; next try {again}", "",
    ),
    "held": (
        "", "システムの制限により{again}まで待っています({reason})",
        "Rests until {again}, as its system asked ({reason})", "",
    ),
    "backfill": (
        "", "{since}までさかのぼって取得中({found}件)", "Reaching back to {since}: {found:record|records} so far", "",
    ),
    "fetches": (
        "", "内容の取得待ちが{count}件(うち失敗{failing}件 {reason})",
        "{count:record waits|records wait} to be fetched ({failing} failing {reason})",
        ("自動で取得し直します", "Nothing: fetching is tried again by itself"),
    ),
    "given_up": (
        "{count:record|records} not fetched", "{count}件の内容を取得できません({reason}): {refs}",
        "{count:record|records} could not be fetched ({reason}): {refs}", "todoke connections poll {id}",
    ),
    "no_webhooks": (
        "", "TODOKE_BASE_URL がこの機械を指しているため、Webhookを登録せず、定期取得だけで動いています",
        "TODOKE_BASE_URL names this machine, so no webhooks are registered: it is only polled",
        "export TODOKE_BASE_URL=https://...",
    ),
    "heard": ("", "最後の通知: {ago}", "Last delivery {ago}", ""),
    "unheard": (
        "not heard from yet", "まだ何も届いていません", "Nothing has been received yet",
        ("先方のシステムに受信アドレスを登録するか、ファイルを取り込んでください",
         "Enter its intake address in that system, or take in a file with todoke ingest"),
    ),
    "silent": (
        "silent", "{since}から何も届いていません(ふだん通知がある時間帯が{missed}時間ぶん過ぎました)",
        "Nothing received since {since}; {missed:hour in which something usually comes has"
        "|hours in which something usually comes have} passed",
        ("先方に新しい動きがあるか、受信アドレスへの送信が止まっていないか確認してください",
         "See whether anything has happened there, and whether that system still posts to the intake address"),
    ),
    "queued": (
        "{count} waiting", "{count}件が処理を待っています",
        "{count:delivery waits|deliveries wait} to be worked on", "",
    ),
    "dead": (
        "{count} dead", "{count}件の通知を処理できませんでした",
        "{count:delivery|deliveries} could not be worked on", REPLAY,
    ),
    "parked": (
        "{count} parked", "{count}件の通知が設定を待っています", "{count:delivery waits|deliveries wait} for a setting",
        REPLAY,
    ),
    "mails": (
        "", "先方がお客様に自動でメールを送っているかもしれません(送っているものを指定すると、同じ内容は送りません)",
        "Its system may mail customers itself; name what it mails about, and journeys leave that out",
        f"todoke connections set {{id}} notifies={USUAL}",
    ),
    "stray": (
        "unknown owner {owner} ({count})", "荷主「{owner}」に対応する店舗がなく、{count}件の通知が待っています",
        "No merchant is set for the goods owner {owner!r}; {count:delivery waits|deliveries wait}",
        "todoke connections assign {id} {typed} MERCHANT",
    ),
    "refused": (
        "signatures refused", "署名の合わない通知を{count}件拒否しました(最後は{at})",
        "{count:delivery was refused for its|deliveries were refused for their} signature, the last at {at}", SET,
    ),
    "unmapped": (
        "unmapped statuses", "対応表にないステータス「{status}」が{count}回届きました",
        "The status {status!r} stands in no table; it came {count:time|times}", SET,
    ),
    "expires": (
        "{name} expires in {days} d", "{name} の期限が{at}に切れます(あと{days}日)",
        "The setting {name} runs out at {at} ({days:day|days})", SET,
    ),
    "expired": ("{name} expired", "{name} の期限が{at}に切れました", "The setting {name} ran out at {at}", SET),
}  # fmt: skip

NAMES: Mapping[str, tuple[str, str]] = {
    **alarm_words.NAMES,
    "login": ("認証エラー", "credentials refused"), "rate": ("回数制限", "asked too often"),
    "quota": ("利用枠の上限", "quota used up"), "provider": ("相手システムの不調", "its system fails"),
    "request": ("要求が拒否されました", "request refused"), "transport": ("接続できません", "no answer"),
    "bug": ("コネクタの不具合", "a bug in the connector"), "endless": ("終わりのない応答", "answers without end"),
    "needs": ("設定不足", "settings missing"),
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """One note in words. `brief` is for lists; `do` says what to do, `typed` that it is a command."""

    brief: str
    what: str
    do: str | None
    typed: bool = False


def said(note: Note, connection: str, locale: Locale, *, zone: tzinfo | None = TOKYO) -> Said:
    """The note in words; times in `zone`. What a connector has found is in English whatever the locale."""
    ja = locale == "ja"
    if note.kind == "told":
        what, do = note.values["what"], note.values.get("do") or ""
        if not ja:
            return Said(what, sentence(what), sentence(do).replace("CONNECTION", connection) or None)
        return Said(what, what, do or None)
    filled = _filled(note, connection, locale, zone)
    brief, text_ja, text_en, usual = WORDS[note.kind]
    do = fix(note, usual)
    typed = isinstance(do, str)
    text = (do if isinstance(do, str) else do[0 if ja else 1]).format_map(filled)
    what = (text_ja if ja else text_en).format_map(filled)
    return Said(brief.format_map(filled), what if ja else sentence(what), text or None, typed)


def _filled(note: Note, connection: str, locale: Locale, zone: tzinfo | None) -> dict[str, Any]:
    ja = locale == "ja"
    filled: dict[str, Any] = {"kind": note.kind, "settings": "KEY=VALUE", **note.values, "id": connection}
    for name, value in note.values.items():
        if isinstance(value, datetime):
            filled[name] = wording.moment(value.astimezone(zone), locale)
        elif value is None:
            filled[name] = "-"
        elif isinstance(value, int):
            filled[name] = Count(value)
    for slot in ("errand", "why"):
        if slot in note.values:
            names = NAMES.get(str(note.values[slot]), (str(note.values[slot]),) * 2)
            filled[slot], filled[f"{slot}_ja"] = names[1], names[0]
    if "minutes" in note.values:
        past = span(note.values["minutes"], locale)
        filled["ago"] = (
            (f"{past}前" if ja else f"{past} ago") if note.values["minutes"] else ("今" if ja else "just now")
        )
    if note.kind == "lacking":
        filled["names"], filled["listed"] = ", ".join(note.values["settings"]), " ".join(note.values["settings"])
        filled["settings"] = " ".join(f"{name}=..." for name in note.values["settings"])
    if note.kind in {"expires", "expired"}:
        filled["settings"] = f"{note.values['name']}=..."
    if note.kind == "refused":
        filled["settings"] = "secret=..."
    if note.kind == "stray":
        filled["typed"] = quote(note.values["owner"])
    if note.kind == "unmapped":
        filled["settings"] = quote(f"status.{note.values['status']}=STATUS")
    return filled
