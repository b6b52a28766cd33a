"""An account at Amazon Web Services: its credentials, the names of its errors, and whether SNS tells of messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from connectors.parts import settings as schema
from connectors.parts.senders import sns_keys
from engine.contracts import Finding

NEEDED = ("region", "access_key_id", "secret_access_key")

_LACKING = {"mails": "nobody learns of bounces and complaints", "messages": "nobody learns what has arrived"}
_POSTED = {"mails": "SNS posts what becomes of mails", "messages": "SNS posts what becomes of messages"}


def settings(permission: str, configuration_set: str) -> dict[str, Any]:
    """Settings of an account, whose user needs the permission; `configuration_set` is the pattern of that name. What
    may be left out stands here too: the topic of the events."""
    return {
        **sns_keys.SETTINGS,
        "region": schema.text(
            "Region, as ap-northeast-1", "リージョン(例: ap-northeast-1)", pattern=r"^[a-z]{2}(-[a-z]+)+-\d(?![\s\S])"
        ),
        "access_key_id": schema.text(
            f"Access key ID of an IAM user with {permission}", f"アクセスキーID({permission})",
            pattern=r"^[A-Z0-9]{16,128}(?![\s\S])",
        ),
        "secret_access_key": schema.credential("Secret access key", "シークレットアクセスキー"),
        "session_token": schema.credential(
            "Session token, of temporary credentials", "セッショントークン(一時的な認証情報のみ)"
        ),
        "configuration_set": schema.text(
            "Configuration set whose events go to the topic", "設定セット", pattern=configuration_set
        ),
    }  # fmt: skip


def base(settings: Mapping[str, str], service: str) -> str:
    """The address of the API of a service ("email")."""
    return (settings.get("url") or f"https://{service}.{settings['region']}.amazonaws.com").rstrip("/")


def bare(name: str) -> str:
    """The name of an error without what AWS puts around it ("aws#Name:http://...")."""
    return name.partition(":")[0].rpartition("#")[2].strip()[:100]


def told_of(settings: Mapping[str, str], what: Literal["mails", "messages"]) -> Iterator[Finding]:
    """Is SNS to tell what becomes of them, and has it ever?"""
    if not settings.get("topic_arn") or not settings.get("configuration_set"):
        do = "create a configuration set with an SNS event destination, and set configuration_set and topic_arn"
        yield Finding(level="error", what=_LACKING[what], do=do)
    elif not settings.get("sns_certificates"):
        do = "subscribe the connection's intake address to the topic (HTTPS); it is confirmed by itself"
        yield Finding(level="warning", what="SNS has not posted anything yet", do=do)
    else:
        yield Finding(level="ok", what=_POSTED[what])
