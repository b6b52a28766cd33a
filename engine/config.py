"""Settings: every key with its default and one sentence. Read from TODOKE_* environment variables."""

from __future__ import annotations

from base64 import b64decode
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED = Path(__file__).resolve().parent.parent  # journeys/ and templates/ stand beside the engine


class Settings(BaseSettings):
    """How this installation runs. Unset keys give the embedded default: one process, SQLite, no services."""

    model_config = SettingsConfigDict(env_prefix="TODOKE_", extra="ignore", hide_input_in_errors=True)

    home: Path = Field(Path("var"), description="Folder of the database, keys and mailbox of the embedded default.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite under home.")
    database_owner_url: str = Field(
        "", description="PostgreSQL URL of the role that owns the tables, for todoke db upgrade; empty: database_url."
    )
    broker_url: str = Field(
        "memory://",
        pattern="^(memory|rediss?|amqps?)://",
        description="Where hints travel: memory://, redis://, amqp://.",
    )
    secret_keys: str = Field(
        "", description="Comma-separated master keys, 32 bytes in base64, newest first; empty: a file under home."
    )
    base_url: str = Field("http://127.0.0.1:8000", description="Public address that links in messages start with.")
    journeys: Path = Field(SHIPPED / "journeys", description="Folder of the journey files.")
    templates: Path = Field(SHIPPED / "templates", description="Folder of the message and page templates.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    metrics_token: str = Field(
        "", repr=False, description="Bearer key that /metrics asks for; empty: it answers this machine only."
    )
    alert_url: str = Field("", repr=False, description="Where alarms are told: a Slack incoming webhook, or any URL.")
    alert_format: Literal["", "slack", "generic"] = Field(
        "", description="slack or generic (signed JSON); empty: slack for hooks.slack.com, else generic."
    )
    alert_secret: str = Field("", repr=False, description="whsec_ and base64: signs generic alerts; empty: unsigned.")
    alert_locale: Literal["ja", "en"] = Field("ja", description="Language of alerts: ja or en.")
    alert_timezone: str = Field("Asia/Tokyo", description="Time zone of the times in alerts.")
    alert_backlog_minutes: int = Field(
        10, ge=1, description="Minutes something due may wait before it is an alarm; six times that for requests."
    )

    max_body: int = Field(1_000_000, ge=1, description="Largest webhook body in bytes; larger ones get 413.")
    max_file: int = Field(50_000_000, ge=1, description="Largest file body (CSV) in bytes.")
    worker_threads: int = Field(8, ge=1, description="Threads that observe, render and send in one worker process.")
    http_ports: str = Field(
        "443,8443",
        pattern=r"^\s*\d{1,5}(\s*,\s*\d{1,5})*\s*$",
        description="Ports that outgoing HTTPS may use, comma-separated.",
    )
    http_private: str = Field(
        "",
        description="Networks that outgoing HTTP may reach though they are not public, e.g. 127.0.0.0/8; empty: none.",
    )

    undelivered_limit: int = Field(
        5, ge=2, description="Messages in a row that an address has not taken before it is given up."
    )
    undelivered_days: int = Field(14, ge=0, description="Days that must lie between the first and the last of them.")

    dns: str = Field("", description="DNS server that checks ask, as 127.0.0.1:5353; empty: what this machine uses.")

    send_seconds: int = Field(15, ge=1, description="Overall deadline of one send.")
    arm_seconds: int = Field(5, ge=1, description="A send that has not started this long after arming is not started.")
    lease_seconds: int = Field(
        60,
        validate_default=True,
        description="How long a claimed row belongs to one worker; at least arm_seconds and send_seconds together.",
    )
    sweep_seconds: float = Field(1.0, gt=0, description="Pause between two looks for work that no hint announced.")
    batch: int = Field(100, ge=1, description="Rows handled in one transaction at most.")

    @field_validator("alert_secret")
    @classmethod
    def _signs(cls, secret: str) -> str:
        """Said when the process starts, not when the first alarm is to be told."""
        b64decode(secret.removeprefix("whsec_"), validate=True)
        return secret

    @field_validator("alert_timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except ZoneInfoNotFoundError as unknown:
            raise ValueError("no such time zone; Asia/Tokyo, for example") from unknown
        return name

    @field_validator("lease_seconds")
    @classmethod
    def _outlasts_a_send(cls, seconds: int, given: ValidationInfo) -> int:
        """A row whose lease ends while its message may still be under way would be taken for one of a dead worker."""
        longest: int = given.data.get("arm_seconds", 0) + given.data.get("send_seconds", 0)
        if seconds < longest:
            raise ValueError(f"{seconds} is too short: a send may end {longest} seconds after it is armed")
        return seconds

    @field_validator("http_private")
    @classmethod
    def _networks(cls, text: str) -> str:
        for one in filter(None, map(str.strip, text.split(","))):
            ip_network(one)
        return text

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'todoke.db'}"
