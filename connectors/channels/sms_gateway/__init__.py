"""SMS through any gateway with an HTTP API, as one file describes it: for Japanese providers above all."""

from __future__ import annotations

from connectors.channels.sms_gateway.feedback import identify, read, verify
from connectors.channels.sms_gateway.gateway import misset
from connectors.channels.sms_gateway.send import classify, classify_by, objections, prepare
from connectors.parts import settings as schema
from connectors.parts.bodies.told_yaml import MAX_BYTES
from engine.contracts import Capabilities, Channel, Feedback

TYPED = r"^[ -~]+(?![\s\S])"
SETTINGS = schema.settings(
    {
        "gateway": schema.file(
            "The gateway's description, as --set gateway=@FILE", "接続定義(--set gateway=@ファイル)", most=MAX_BYTES
        ),
        "url": schema.address(),
        "token": schema.credential("Token, {token} in the description", "トークン", TYPED),
        "user": schema.credential("User, {user} in the description", "ユーザー名", TYPED),
        "password": schema.credential("Password, {password} in the description", "パスワード", TYPED),
        "from": schema.text("Sender, {from} in the description", "送信元"),
        "secret": schema.credential(
            "Secret of the address to which results are posted", "結果通知URLに付けるシークレット"
        ),
    },
    required=("gateway", "url"),
)

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
