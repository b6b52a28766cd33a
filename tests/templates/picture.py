"""Pictures of every sample for people to look at: python -m tests.templates.picture OUTDIR [TEMPLATE...]

Writes <template>.<sample>.<locale>.<light|dark>.png, 680 px wide, with headless Chromium; and the same for a
telephone (375 px) with --narrow. CHROMIUM names the program when it is not on PATH.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from engine.io.samples import load_samples
from engine.io.templates import LOCALES, load_messages
from engine.rules.content import render

MESSAGES = Path(__file__).parents[2] / "templates/messages"


def pages(wanted: list[str]) -> Iterator[tuple[str, str]]:
    for name, template in load_messages(MESSAGES).items():
        for locale in LOCALES:
            for sample, context in load_samples(MESSAGES, name, locale).items():
                if not wanted or name in wanted or f"{name}.{sample}" in wanted:
                    yield f"{name}.{sample}.{locale}", render(template, locale, context).html or ""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("templates", nargs="*")
    arguments.add_argument("--narrow", action="store_true")
    asked = arguments.parse_intermixed_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        print("No Chromium on PATH. Install it (apt-get install chromium) or name it: CHROMIUM=/path/to/it")
        return 1
    asked.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for mode in ("light", "dark"):
            width = 375 if asked.narrow else 680
            page = browser.new_page(viewport={"width": width, "height": 600}, color_scheme=mode)
            for name, html in pages(asked.templates):
                page.set_content(html)
                page.screenshot(path=asked.folder / f"{name}.{mode}.png", full_page=True)
                print(asked.folder / f"{name}.{mode}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
