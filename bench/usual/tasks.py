"""The Celery application: one task a delivery. Jinja2, EmailMessage, smtplib on a kept connection; keeps nothing."""

from __future__ import annotations

import json
import os
import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache

import redis
from celery import Celery

from bench.letter import SENDER, SHOP, Letter, Writer

BROKER = os.environ["BENCH_REDIS"]
app = Celery("usual", broker=BROKER)
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4)


@cache
def writer() -> Writer:
    """Compiled once a worker process."""
    return Writer()


@cache
def server() -> smtplib.SMTP:
    """One kept connection a worker process."""
    return smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_SMTP"]))


@cache
def counter() -> redis.Redis:
    """Where the benchmark sees how many are done; stands for the result backend of a real installation."""
    return redis.Redis.from_url(BROKER)


def compose(letter: Letter) -> EmailMessage:
    """The mail as the standard library's documentation writes it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = f"{SHOP} <{SENDER}>", f"{letter.name} <{letter.to}>", letter.subject
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


@app.task
def notify(topic: str, body: str) -> None:
    """Write the letter about one delivery and send it."""
    server().send_message(compose(writer().write(topic, json.loads(body))))
    counter().incr("done")
