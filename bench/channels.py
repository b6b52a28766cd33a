"""Messages per CPU second of every channel over HTTP, beside the bare client that posts the same bytes; and LINE push
through the whole of sending, at 100 ms latency of the provider and 2,000 requests a second allowed.

A round of a channel runs in a process of its own, and counts the CPU of that process only: `made` is `prepare` and
`classify` alone, `ours` also the engine's HTTP, `bare` an aiohttp session that posts what `prepare` has made,
`batches` is `ours` where the provider takes several messages in one request: TOGETHER of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import aiohttp

import connectors
from bench.answers import answers
from bench.rounds import Figures, child, cpu_here, interleave, ratios, report, summary
from engine.contracts import Accepted, Answer, Channel, Failure, HttpRequest
from engine.io.http import Http
from engine.io.http_reach import Reach
from engine.model.message import Content, Envelope
from engine.model.order import Line

UNDER_WAY = 64
TOGETHER = 20
RESEND, POSTMARK = '{"id": "e_1"}', '{"ErrorCode": 0, "Message": "OK", "MessageID": "p_1"}'
TEXT = "ご注文の商品を発送しました。\nお荷物の状況は https://hana.example/t/abcdefghijkl からご覧いただけます。"
HTML = f"<html><body>{'<p>ご注文の商品を発送しました。</p>' * 200}</body></html>"  # about as large as our letters
FLEX = [{"type": "flex", "altText": "発送しました", "contents": {"type": "bubble", "body": {
    "type": "box", "layout": "vertical", "contents": [{"type": "text", "text": TEXT, "wrap": True}] * 6}}}]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """How a channel is set, what it carries, whom it reaches, and what its provider says."""

    to: str
    reply: str
    settings: Mapping[str, str] = field(default_factory=dict)
    payload: Any = None
    status: int = 200
    batch: str = ""  # what it says to TOGETHER messages in one request


CASES: Mapping[str, Case] = {
    "resend": Case(
        "naoko@example.com", RESEND, {"api_key": "x" * 20}, batch=f'{{"data": [{", ".join([RESEND] * TOGETHER)}]}}'
    ),
    "postmark": Case(
        "naoko@example.com", POSTMARK, {"server_token": "x" * 20}, batch=f"[{', '.join([POSTMARK] * TOGETHER)}]"
    ),
    "line": Case("U" + "0a" * 16, '{"sentMessages": [{"id": "1"}]}', {"access_token": "x" * 100}, FLEX),
    "line_notice": Case(
        "+818012345678", "{}", {"access_token": "x" * 100},
        {"templateKey": "shipment_completed_ja", "body": {"items": [{"itemKey": "number_001_ja", "content": "1001"}]}},
        202,
    ),
    "twilio": Case("+818012345678", '{"sid": "SM1", "status": "queued"}', {
        "account_sid": "AC" + "0" * 32, "auth_token": "x" * 32, "from": "+815012345678"}, None, 201),
    "slack": Case("staff", "ok", {"webhook_url": "{url}/services/a/b/c"}),
    "teams": Case("staff", "", {"webhook_url": "{url}/workflows/a"}, None, 202),
    "zendesk": Case("staff", '{"ticket": {"id": 1}}', {"subdomain": "hanaya", "email": "a@b.example", "api_token": "x"},
                    None, 201),
    "freshdesk": Case("staff", '{"id": 1}', {"subdomain": "hanaya", "api_key": "x"}, None, 201),
    "trustpilot": Case("naoko@example.com", "{}", {"business_unit": "b", "template": "t", "access_token": "x" * 50},
                       None, 202),
}  # fmt: skip


def main() -> None:
    """Read the arguments, run the rounds, print the tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--messages", type=int, default=3_000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--channel", nargs="*", default=list(CASES), choices=list(CASES))
    asked.add_argument("--push", type=int, default=4_000, help="messages of LINE through the whole of sending")
    asked.add_argument("--one", nargs=2, metavar=("HOW", "CHANNEL"), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.one:
        print(json.dumps(one(given.one[0], given.one[1], given.messages)))
        return
    told: dict[str, Any] = {}
    for name in given.channel:
        contestants = {
            how: (lambda how=how, name=name: child("channels", "--one", how, name, "--messages", given.messages))
            for how in ("bare", "ours", "made", *(["batches"] if CASES[name].batch else []))
        }
        found = interleave(contestants, given.rounds)
        told |= {f"{name} {how}": figures for how, figures in summary(found).items()}
        told[f"{name} ours"]["of_bare"] = ratios(found, "per_cpu_s", "bare")["ours"]
    columns = {"per_cpu_s": "messages/CPU-s", "of_bare": "of the bare client", "per_s": "messages/s"}
    report("channels", told, columns, messages=given.messages, under_way=UNDER_WAY)
    if given.push:
        from bench.push import push

        print(file=sys.stderr)
        pushed = interleave({
            "transport alone": lambda: child("channels", "--one", "latency", "line", "--messages", given.push),
            "all of sending": lambda: push(given.push),
        }, given.rounds)  # fmt: skip
        headings = {"per_s": "pushes/s", "per_cpu_s": "pushes/CPU-s"}
        report("LINE push at 100 ms", summary(pushed), headings, messages=given.push)


def one(how: str, name: str, messages: int) -> Figures:
    """One round in this process."""
    case, channel = CASES[name], connectors.channel(name)
    reply = case.batch if how == "batches" else case.reply
    with answers(reply, status=case.status, after=0.1 if how == "latency" else 0.0) as url:
        settings = {"url": url} | {key: value.replace("{url}", url) for key, value in case.settings.items()}
        sending = _Sending(channel, case, settings)
        work = {
            "bare": sending.bare, "ours": sending.ours, "latency": sending.ours, "made": sending.made,
            "batches": sending.batches,
        }[how]  # fmt: skip
        under_way = 2_000 if how == "latency" else UNDER_WAY
        work(max(50, messages // 20), under_way)
        began, cpu = time.perf_counter(), cpu_here()
        work(messages, under_way)
        wall, used = time.perf_counter() - began, cpu_here() - cpu
    return {"per_cpu_s": messages / used, "per_s": messages / wall}


class _Sending:
    def __init__(self, channel: Channel, case: Case, settings: Mapping[str, str]) -> None:
        self._channel, self._case, self._settings = channel, case, settings
        self._number = 0
        self._http = Http(Reach(private=(ip_network("127.0.0.0/8"),)), deadline=30.0)

    def ours(self, messages: int, under_way: int) -> None:
        """prepare, the engine's HTTP, classify."""
        waiting: deque[Future[Answer | Failure]] = deque()
        for _ in range(messages):
            waiting.append(self._http.start("account", self._prepared(), self._settings))
            if len(waiting) >= under_way:
                self._taken(waiting.popleft().result())
        while waiting:
            self._taken(waiting.popleft().result())

    def batches(self, messages: int, under_way: int) -> None:
        """The same, TOGETHER of them in one request."""
        batch = self._channel.batch
        if batch is None:
            raise TypeError(f"{self._channel.name} takes no batch")
        waiting: deque[Future[Answer | Failure]] = deque()

        def taken(answer: Answer | Failure) -> None:
            for part in batch.split(answer, TOGETHER) if isinstance(answer, Answer) else [answer]:
                self._taken(part or Failure(stage="refused", text="one was refused"))

        for _ in range(messages // TOGETHER):
            request = batch.join([self._prepared() for _ in range(TOGETHER)])
            waiting.append(self._http.start("account", request, self._settings))
            if len(waiting) >= under_way // TOGETHER:
                taken(waiting.popleft().result())
        while waiting:
            taken(waiting.popleft().result())

    def made(self, messages: int, under_way: int) -> None:
        """prepare and classify, against an answer that is at hand."""
        answer = Answer(code=self._case.status, body=self._case.reply.encode())
        for _ in range(messages):
            self._prepared()
            self._taken(answer)

    def bare(self, messages: int, under_way: int) -> None:
        """The same bytes by aiohttp, with nothing else."""
        request = self._prepared()
        url = self._settings["webhook_url"] if request.url_slots else request.url
        headers = {**request.headers, **dict.fromkeys(request.auth, "Bearer x")}

        async def work() -> None:
            connector = aiohttp.TCPConnector(limit=under_way)
            async with aiohttp.ClientSession(connector=connector) as session:
                left = iter(range(messages))

                async def some() -> None:
                    for _ in left:
                        async with session.post(url, data=request.body, headers=headers) as reply:
                            await reply.read()

                await asyncio.gather(*(some() for _ in range(under_way)))

        asyncio.run(work())

    def _prepared(self) -> HttpRequest:
        self._number += 1
        envelope = Envelope(
            id=f"m_{self._number:016d}", merchant="hana", purpose="transactional", to=self._case.to,
            to_name="佐藤 直子", sender="shop@hana.example", sender_name="花と器", order="#1001",
            customer="naoko@example.com",
            url="https://hana.example/t/abcdefghijkl", sent_at=datetime.now(UTC), intake="https://hana.example/in/x",
            lines=(Line(id="1", sku="CUP", name="湯のみ", quantity=1),),
        )  # fmt: skip
        content = Content(subject="商品を発送しました #1001", html=HTML, text=TEXT, payload=self._case.payload)
        request = self._channel.prepare(envelope, content, self._settings)
        if not isinstance(request, HttpRequest):
            raise TypeError(f"{self._channel.name} does not speak HTTP")
        return request

    def _taken(self, answer: Answer | Failure) -> None:
        outcome = self._channel.classify(answer)
        if not isinstance(outcome, Accepted):
            raise RuntimeError(f"{self._channel.name}: {outcome}")


if __name__ == "__main__":
    main()
