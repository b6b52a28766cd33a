"""The channel that keeps."""

import stat
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from connectors.channels.mailbox import CHANNEL
from connectors.channels.smtp import CHANNEL as SMTP
from engine.contracts import Accepted, Deferred, Failure, FileRequest
from engine.io.mailbox import MailboxTransport
from engine.model.message import Content, Envelope

ENVELOPE = Envelope(
    id="m_1", merchant="hanaya", purpose="transactional", to="hanako@example.jp",
    sender="shop@hanaya.example", sent_at=datetime(2026, 11, 21, tzinfo=UTC),
)  # fmt: skip
CONTENT = Content(subject="発送のお知らせ", text="本日発送いたしました。")


def test_a_mail_is_kept_as_smtp_would_carry_it(tmp_path):
    box = MailboxTransport(tmp_path / "mailbox")
    request = CHANNEL.prepare(ENVELOPE, CONTENT, {})
    assert request.data == SMTP.prepare(ENVELOPE, CONTENT, {}).data
    assert CHANNEL.classify(box.send(request)) == Accepted(detail="kept as m_1.eml")
    assert message_from_bytes(box.read("m_1.eml"), policy=policy.default)["Subject"] == "発送のお知らせ"
    assert stat.S_IMODE((tmp_path / "mailbox" / "m_1.eml").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "mailbox").stat().st_mode) == 0o700


def test_the_same_name_is_the_same_message(tmp_path):
    box = MailboxTransport(tmp_path)
    box.send(FileRequest(name="m_1.eml", data=b"first"))
    box.send(FileRequest(name="m_1.eml", data=b"second"))
    assert [path.name for path in tmp_path.iterdir()] == ["m_1.eml"]
    assert box.read("m_1.eml") == b"second"


@pytest.mark.parametrize(
    "name", ["../m.eml", "/etc/passwd", "a/b.eml", "..", ".hidden", "", "a\x00.eml", "a\n", "a\\b/..", "-x"]
)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    box = MailboxTransport(tmp_path / "mailbox")
    with pytest.raises(ValueError, match=r"^name: "):
        box.send(FileRequest(name=name, data=b""))
    with pytest.raises(FileNotFoundError):
        box.read(name)
    assert [path.name for path in tmp_path.iterdir()] == ["mailbox"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    box = MailboxTransport(tmp_path / "mailbox")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "mailbox" / "m_1.eml").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        box.read("m_1.eml")


def test_what_cannot_be_written_is_deferred_and_leaves_nothing(tmp_path):
    box = MailboxTransport(tmp_path / "mailbox")
    (tmp_path / "mailbox" / "m_1.eml").mkdir()
    result = box.send(FileRequest(name="m_1.eml", data=b"x"))
    assert isinstance(result, Failure)
    assert isinstance(CHANNEL.classify(result), Deferred)
    assert [path.name for path in (tmp_path / "mailbox").iterdir()] == ["m_1.eml"]
