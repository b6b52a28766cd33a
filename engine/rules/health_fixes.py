"""What to do about a note of a connection's health: a command, or words in both languages where no command helps."""

from __future__ import annotations

from collections.abc import Mapping

from engine.rules.health import Note

Do = str | tuple[str, str]  # a command; in words: Japanese, English
SET = "todoke connections set {id} {settings}"
CHECK = "todoke connections check {id}"

# What to do about a failure. Most are tried again by themselves, until when "next try" says.
FIXES: Mapping[str, Do] = {
    "login": SET,
    "needs": SET,
    "request": CHECK,
    "rate": (
        "自動で再試行します。同じアカウントを使うほかのプログラムがないか確認してください",
        "Nothing: it is tried again by itself; see which other programs use the account",
    ),
    "quota": (
        "自動で再試行します。続く場合は、先方で利用枠を増やしてください",
        "Nothing: it is tried again by itself; if it goes on, raise the quota there",
    ),
    "provider": (
        "自動で再試行します。続く場合は、先方の障害情報を確認してください",
        "Nothing: it is tried again by itself; if it goes on, see whether that system says it is down",
    ),
    "transport": (
        "自動で再試行します。続く場合は、接続先のアドレスと、このサーバーのネットワークを確認してください",
        "Nothing: it is tried again by itself; if it goes on, check the address and the network of this machine",
    ),
    "bug": (
        "このメッセージを、コネクタの開発元に知らせてください", "Show this to whoever develops the connector",
    ),
    "endless": (
        "このメッセージを、コネクタの開発元に知らせてください", "Show this to whoever develops the connector",
    ),
}  # fmt: skip
# A check that is refused what it asks cannot say more by being run again.
ITSELF: Do = (
    "接続の設定が、先方の画面の内容と合っているか確認してください",
    "Compare the settings of the connection with what its system shows",
)
UNMAPPABLE: Do = (
    "記録だけしています。意味があるものなら、コネクタの開発元に知らせてください",
    "Nothing: it is only recorded; if it means something, tell whoever develops the connector",
)  # a setting can map scans only


def fix(note: Note, usual: Do) -> Do:
    """What to do about it; `usual` where nothing in its values says more."""
    if note.kind == "failing":
        why, errand = note.values.get("why"), note.values.get("errand")
        return ITSELF if (why, errand) == ("request", "check") else FIXES.get(str(why), CHECK)
    return UNMAPPABLE if note.kind == "unmapped" and not note.values.get("scan") else usual
