"""`todoke demo` as a stranger meets it: a process, its mailbox, its pages, its end."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

import cli
from engine.store import merchants, reports
from engine.terminal.demo.home import MARK
from engine.terminal.demo.story import write

ROOT = Path(cli.__file__).parent
ORDERS = 20
SIX = {"order_confirmed", "shipped", "delivered", "review_request", "return", "reorder"}
SETTLED = timedelta(days=5)  # what happened before that is over


def start(home: Path, *args: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TODOKE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", "from cli import app; app()", "demo", *args]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


class Ran:
    """A demo that was watched to the end of its story; it still runs while tests look at it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.story = write(datetime.now(UTC), ORDERS)
        self.process = start(home, "--port", "0", "--orders", str(ORDERS), "--seconds", "6")
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("The story is over"):
                break
        self.output = "\n".join(self.lines)

    def said(self, name: str) -> str:
        """The address after a name in the first column."""
        found = re.search(rf"^{name}\s+(http\S+)", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]


def told(ran: Ran) -> tuple[dict[str, Counter[str]], list[reports.MessageReport]]:
    """Order number -> journeys of the messages that left, and every message of the merchant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TODOKE_HOME", str(ran.home / "demo"))
        app = cli.compose()
    with app.store.read() as tx:
        (merchant,) = merchants.every(tx)
    with app.store.read(merchant.id) as tx:
        every = reports.list_messages(tx, limit=100_000)
    app.store.close()
    by_order: dict[str, Counter[str]] = defaultdict(Counter)
    for one in every:
        by_order[one.order or "?"][one.journey] += one.status == "sent"
    return by_order, every


def get(address: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(address, timeout=10) as answer:
        return answer.status, answer.read().decode()


def messages_of_all_six_stages_are_in_the_mailbox(ran, sent):
    assert "all six stages are in the mailbox" in ran.output
    _, every = sent
    left = {one.id: one for one in every if one.status == "sent"}
    assert {one.journey for one in left.values()} >= SIX
    files = {path.stem: path for path in (ran.home / "demo" / "mailbox").glob("*.eml")}
    assert files.keys() == left.keys()
    for number, path in files.items():
        mail = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default)
        assert left[number].recipient in mail["to"]
        assert re.search(r"@example\.(jp|com)>?$", mail["to"]), mail["to"]
        body = mail.get_body(("plain",)).get_content()
        assert "花と器 はなれ" in body
        assert not re.search(r"\bNone\b|\{\{|\}\}", body)


def every_delivery_was_answered_as_it_should_be(ran):
    assert "unexpected" not in ran.output
    refused = sum(post.flaw == "forged" for post in ran.story.posts)
    assert f"{len(ran.story.posts) - refused} taken in, {refused} with a wrong signature" in ran.output


def one_message_for_each_thing_that_happened(ran, sent):
    """The story knows how often everybody should have heard; nothing of the engine is asked."""
    by_order, _ = sent
    wrong, checked = {}, 0
    for one in ran.story.purchases:
        heard = by_order[one.number]
        if one.cancelled_at:
            wanted = {"order_confirmed": 1, "order_cancelled": 1, "shipped": 0, "delivered": 0, "review_request": 0,
                      "reorder": 0, "return": 0}  # fmt: skip
        elif one.parcels[-1].scans[-1][0] > ran.story.end - SETTLED:
            continue
        else:
            parcels, trouble = len(one.parcels), one.kind in {"absent", "held"}
            wanted = {"order_confirmed": 1, "shipped": parcels, "delivered": parcels, "delivery_trouble": int(trouble)}
        if one.back and one.back.refunded_at < ran.story.end - SETTLED:
            wanted |= {"return": 3 if one.shop == "standard" else 1, "review_request": 0, "reorder": 0}
        checked += 1
        if any(heard[name] != count for name, count in wanted.items()):
            wrong[one.shop, one.kind, one.number] = (wanted, dict(heard))
    assert wrong == {}
    assert checked > ORDERS / 2


def nothing_but_the_notice_follows_a_cancellation(ran, sent):
    _, every = sent
    checked = 0
    for one in ran.story.purchases:
        if one.cancelled_at:
            late = [m for m in every if m.order == one.number and m.sent_at and m.sent_at >= one.cancelled_at]
            assert {m.journey for m in late} == {"order_cancelled"}
            checked += 1
    assert checked == 2


def offers_go_to_those_who_agreed_and_have_not_bought_again(ran, sent):
    by_order, _ = sent
    offered = {one.number for one in ran.story.purchases if by_order[one.number]["reorder"]}
    assert offered
    agreed = {one.number for one in ran.story.purchases if one.buyer.consents and one.kind != "gift"}
    assert offered <= agreed
    first, again = (one for one in ran.story.purchases if one.buyer == ran.story.purchases[1].buyer)
    assert first.number not in offered
    assert again.kind == "again"


def who_reads_english_is_written_to_in_english(ran, sent):
    _, every = sent
    abroad = {one.number for one in ran.story.purchases if one.buyer.locale == "en"}
    subjects = [one.subject for one in every if one.order in abroad and one.status == "sent"]
    assert any("Your order is confirmed" in subject for subject in subjects)
    assert [subject for subject in subjects if not subject.isascii()] == []


def the_addresses_it_prints_open(ran):
    status, page = get(ran.said("tracking page"))
    assert status == 200
    assert "花と器 はなれ" in page
    status, page = get(ran.said("console"))
    assert status == 200
    assert "/console/login" not in page.partition("<main")[2], "the link opens the console, not the door"


def its_folder_is_its_own_and_taken(ran):
    second = start(ran.home, "--port", "0")
    output, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "a demo is running there" in output
    assert [path.name for path in ran.home.iterdir()] == ["demo"]
    assert get(ran.said("started") + "healthz")[0] == 200


def sigterm_ends_it_cleanly(ran):
    ran.process.send_signal(signal.SIGTERM)
    rest, _ = ran.process.communicate(timeout=20)
    assert ran.process.returncode == 0, rest
    assert rest.strip() == ""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(ran.said("started").rsplit(":")[-1].strip("/")))) != 0


def test_a_demo_from_start_to_end(tmp_path):
    """One test over one process: a demo is too much work to play it again for every question."""
    ran = Ran(tmp_path)
    try:
        sent = told(ran)
        messages_of_all_six_stages_are_in_the_mailbox(ran, sent)
        every_delivery_was_answered_as_it_should_be(ran)
        one_message_for_each_thing_that_happened(ran, sent)
        nothing_but_the_notice_follows_a_cancellation(ran, sent)
        offers_go_to_those_who_agreed_and_have_not_bought_again(ran, sent)
        who_reads_english_is_written_to_in_english(ran, sent)
        the_addresses_it_prints_open(ran)
        its_folder_is_its_own_and_taken(ran)
        sigterm_ends_it_cleanly(ran)
    finally:
        ran.process.kill()
        ran.process.wait()


def test_sigint_in_the_middle_of_the_story_ends_it_cleanly(tmp_path):
    process = start(tmp_path, "--port", "0", "--orders", "20", "--seconds", "60")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("tracking page"):
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    theirs = tmp_path / "demo" / "thesis.txt"
    theirs.parent.mkdir()
    theirs.write_text("years of work", encoding="utf-8")
    process = start(tmp_path, "--port", "0")
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "is not a demo's folder" in output
    assert theirs.read_text(encoding="utf-8") == "years of work"
    assert not (theirs.parent / MARK).exists()


def test_a_port_in_use_is_said_in_three_lines(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, "--port", str(port))
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"port {port} on 127.0.0.1 cannot be used" in output
    assert len(output.strip().splitlines()) == 3
