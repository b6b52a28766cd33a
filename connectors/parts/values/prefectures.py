"""The 47 prefectures of Japan: shops send "JP-13" or "JP13", people write 東京都. Codes are ISO 3166-2:JP."""

from __future__ import annotations

import re

NAMES = (
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県",
    "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県",
    "岐阜県", "静岡県", "愛知県", "三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県",
    "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県",
    "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
)  # fmt: skip

_LEADS = re.compile("|".join(NAMES))

_CODE = re.compile(r"JP-?(\d{2})")


def prefecture(code: str | None) -> str | None:
    """The Japanese name for a code; None for anything that is not one."""
    found = _CODE.fullmatch(code or "")
    number = int(found[1]) if found else 0
    return NAMES[number - 1] if 1 <= number <= len(NAMES) else None


def led_by(address: str | None) -> tuple[str | None, str | None]:
    """The prefecture that a written address begins with, and the rest: ("東京都", "港区六本木4-1"). (None, all of it)
    when it begins with none."""
    found = _LEADS.match(address or "")
    return (found[0], (address or "")[found.end() :].strip() or None) if found else (None, address)
