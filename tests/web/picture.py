"""Pictures of every page for people to look at: python -m tests.web.picture OUTDIR

Writes <page>.<locale>.<light|dark>.<width>.png with headless Chromium: customer pages 360 and 1200 px wide, console
pages 390 and 1280. CHROMIUM names the program when it is not on PATH.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from engine.flow.ask.plan import due_now
from engine.store import calls, merchants
from engine.web.app import make_app
from engine.web.console import local_login
from tests.web.installation import Installation, a_morning, served, tracking_link
from tests.web.test_checks import RECORDS, mail_channel, worked

NUMBERS = ("1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1014")


def customer(here: Installation) -> dict[str, str]:
    """Name -> path of the pages customers see."""
    pages = {f"track-{number}": tracking_link(here, number) for number in NUMBERS}
    links = {"unsubscribe": here.link("1090", "u"), "preferences": here.link("1090", "p")}
    return {**pages, **links, "unknown": "/t/" + "a" * 32}


def console(here: Installation) -> dict[str, str]:
    """Name -> path of the pages merchants see."""
    message = here.mails("1003")[0][0].id
    hook = here.hooks[here.shop.slug]
    with here.app.store.read() as tx:
        refused = calls.of(tx, hook, 1, statuses=("given_up",))[0].public_id
    names = ("orders", "messages", "mailbox", "journeys", "connections", "alarms")
    return {
        **{name: f"/console/{name}" for name in names},
        "order": f"/console/orders/{here.order('1003')}",
        "order-split": f"/console/orders/{here.order('1001')}",
        "message": f"/console/messages/{message}",
        "mail": f"/console/mailbox?message={message}",
        "journey": "/console/journeys/review_request",
        "connection": "/console/connections/c_shop",
        "channel": "/console/connections/c_mail",
        "hooks": "/console/hooks",
        "hook": f"/console/hooks/{hook}",
        "hook-call": f"/console/hooks/{hook}/calls/{refused}",
        "hook-replay": f"/console/hooks/{hook}/replay",
        "hook-remove": f"/console/hooks/{hook}/remove",
        "missing": "/console/nothing",
    }


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    folder = arguments.parse_args().folder
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        print("No Chromium on PATH. Install it (apt-get install chromium) or name it: CHROMIUM=/path/to/it")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        here = a_morning(Path(home))
        mail_channel(here)
        with here.app.store.begin() as tx:
            due_now(here.app, tx, merchants.connection(tx, "c_mail"), ["check"])
        worked(here, RECORDS)
        with served(here, make_app(here.app)) as base:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            sets = (((360, 1200), customer(here)), ((390, 1280), {"login": "/console/login", **console(here)}))
            for widths, pages in sets:
                for mode, width in ((mode, width) for mode in ("light", "dark") for width in widths):
                    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=mode)
                    for name, path in pages.items():
                        for locale in ("ja", "en"):
                            page.goto(f"{base}{path}{'&' if '?' in path else '?'}lang={locale}")
                            page.screenshot(path=folder / f"{name}.{locale}.{mode}.{width}.png", full_page=True)
                        if name == "login":
                            page.goto(local_login(here.app))
                    page.close()
            browser.close()
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
