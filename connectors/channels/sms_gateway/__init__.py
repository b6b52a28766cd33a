"""SMS through any gateway with an HTTP API, as one file describes it: for Japanese providers above all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.channels.sms_gateway.feedback import identify, read, verify
from connectors.channels.sms_gateway.gateway import misset
from connectors.channels.sms_gateway.send import classify, classify_by, objections, prepare
from connectors.parts.bodies.told_yaml import MAX_BYTES
from connectors.parts.sending.mail_api import HOST, secret
from engine.contracts import Capabilities, Channel, Feedback

SETTINGS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["gateway", "url"],
    "properties": {
        "gateway": {
            "type": "string", "file": True, "minLength": 1, "maxLength": MAX_BYTES,
            "title": "The gateway's description, as --set gateway=@FILE",
            "title_ja": "接続定義(--set gateway=@ファイル)",
        },
        "url": {"type": "string", "pattern": HOST, "title": "Address of the API", "title_ja": "APIのアドレス"},
        "token": secret("Token, {token} in the description", "トークン", r"^[ -~]+(?![\s\S])"),
        "user": secret("User, {user} in the description", "ユーザー名", r"^[ -~]+(?![\s\S])"),
        "password": secret("Password, {password} in the description", "パスワード", r"^[ -~]+(?![\s\S])"),
        "from": {"type": "string", "title": "Sender, {from} in the description", "title_ja": "送信元"},
        "secret": secret("Secret of the address to which results are posted", "結果通知URLに付けるシークレット"),
    },
}  # fmt: skip

CHANNEL = Channel(
    name="sms_gateway",
    title="SMS gateway (any HTTP API)",
    title_ja="SMSゲートウェイ(国内SMS配信サービスなど)",
    medium="sms",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(receipts=True),
    prepare=prepare,
    classify=classify,
    classify_by=classify_by,
    misset=misset,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify),
)
