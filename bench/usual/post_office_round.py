"""One round of django-post_office: mails are queued in the database one by one, its own sender sends them."""

from __future__ import annotations

import hmac
import json
import sys
import time
from base64 import b64decode
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import workload
from bench.letter import SENDER, SHOP, Writer
from bench.limit import BATCH, WARM
from bench.rounds import cpu_here, peak_here
from bench.sink import sink
from bench.workload import Recorded


def configure(folder: Path, port: int) -> None:
    """Django with nothing but post_office, on SQLite with the same promises as the others."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"], USE_TZ=True,
        SECRET_KEY="bench", TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "mail.db",
                               "OPTIONS": {"init_command": pragmas}}},
        EMAIL_BACKEND="post_office.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
        POST_OFFICE={"BATCH_SIZE": BATCH, "THREADS_PER_PROCESS": 1,
                     "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )  # fmt: skip
    django.setup()
    call_command("migrate", verbosity=0)


def phase(deliveries: Iterable[Recorded], writer: Writer) -> None:
    """Queue them and send until nothing is queued."""
    from post_office import mail

    for one in deliveries:
        told = b64decode(one.headers["x-shopify-hmac-sha256"])
        if not hmac.compare_digest(told, hmac.digest(workload.SECRET.encode(), one.body, "sha256")):
            raise ValueError("a signature does not fit")
        letter = writer.write(one.headers["x-shopify-topic"], json.loads(one.body))
        mail.send(
            f"{letter.name} <{letter.to}>", f"{SHOP} <{SENDER}>", subject=letter.subject, message=letter.text,
            html_message=letter.html,
        )  # fmt: skip
    while sum(mail.send_queued(processes=1, log_level=1)):
        pass


def run(count: int) -> dict[str, float]:
    """`count` orders, then their shipments. Raises RuntimeError unless all were sent."""
    with sink() as mail, TemporaryDirectory(prefix="todoke-bench-") as folder:
        configure(Path(folder), mail.port)
        from post_office.models import STATUS, Email

        now, writer = datetime.now(UTC), Writer()
        work = [list(make(number, now, first)) for make, number, first in workload.plan(count, WARM)]
        for one in work[:2]:
            phase(one, writer)
        wall, cpu = time.perf_counter(), cpu_here()
        for one in work[2:]:
            phase(one, writer)
        wall, cpu = time.perf_counter() - wall, cpu_here() - cpu
        sent = Email.objects.filter(status=STATUS.sent).count() - 2 * WARM
        if sent != 2 * count:
            raise RuntimeError(f"{sent} of {2 * count} were sent")
    return {
        "messages_s": sent / wall, "messages_cpu_s": sent / cpu, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak_here(),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
