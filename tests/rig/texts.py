"""What a message says, so that the same text under two ids is found."""

from __future__ import annotations

import email
import email.policy
import re

PARCEL = re.compile(r"4000-\d{6}-\d")  # a tracking number of the rig's orders


def said(body: bytes) -> str:
    """Of a mail: its subject line and the parcels that it names."""
    mail = email.message_from_bytes(body, policy=email.policy.default)
    part = mail.get_body(("plain",))
    parcels = sorted(set(PARCEL.findall(part.get_content() if part else "")))
    return f"{mail['subject']} {' '.join(parcels)}".strip()
