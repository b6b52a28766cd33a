"""One mail for every provider of mail, and the names of outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml

import connectors
from engine.contracts import Accepted, Ambiguous, Channel, Deferred, Delivery, HttpRequest, Outcome, Rejected
from engine.model.message import Content, Envelope
from tests.connectors.playing import NOW

FOLDER = Path(connectors.__file__).parent / "channels"
MESSAGE, TOLD = "m_3kf9", {"message": "m_3kf9", "merchant": "hanaya"}
GIVEN = json.loads((FOLDER / "resend" / "fixtures" / "review_request.in.json").read_text(encoding="utf-8"))
SETTINGS = {
    "ses": {
        "region": "ap-northeast-1", "access_key_id": "ANACCESSKEYOFTESTS", "secret_access_key": "not-a-key-at-all",
        "configuration_set": "todoke",
    },
    "sendgrid": {"api_key": "not-a-key-at-all"},
    "postmark": {"server_token": "not-a-key-at-all", "message_stream": "outbound", "broadcast_stream": "broadcast"},
    "mailgun": {"api_key": "not-a-key-at-all", "domain": "mg.hanaya.example"},
}  # fmt: skip
NAMES = tuple(SETTINGS)


def prepared(name: str, envelope: Any = None, content: Any = None, settings: Any = None) -> HttpRequest:
    request = channel(name).prepare(
        msgspec.convert({**GIVEN["envelope"], **(envelope or {})}, Envelope),
        msgspec.convert({**GIVEN["content"], **(content or {})}, Content),
        {**SETTINGS[name], **(settings or {})},
    )
    assert isinstance(request, HttpRequest)
    return request


def channel(name: str) -> Channel:
    return connectors.channel(name)


def answers(name: str) -> list[list[Any]]:
    """[channel, status, body, outcome, code, headers] of its fixtures."""
    rows = yaml.safe_load((FOLDER / name / "fixtures" / "answers.yaml").read_text(encoding="utf-8"))
    return [[name, *row[:4], row[4] if len(row) > 4 else {}] for row in rows]


def named(outcome: Outcome) -> tuple[str, str | None]:
    """("deferred rate", code), ("accepted", ref), ("ambiguous", "")."""
    match outcome:
        case Accepted(ref=ref):
            return "accepted", ref
        case Ambiguous():
            return "ambiguous", ""
        case Rejected(scope=scope, code=code):
            return f"rejected {scope}", code
        case Deferred(scope=scope, code=code):
            return f"deferred {scope}", code


def posted(body: object, headers: dict[str, str] | None = None, url: str = "", **config: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(body=raw, headers=headers or {}, received_at=NOW, url=url, config=config)
