"""Which texts of a mail are hard to read, computed from its own styles, in light and dark mode.

Understands what our mails use: inherited inline styles, and rules of tags and classes in the dark media query.
"""

import re
from html.parser import HTMLParser

from engine.rules.colour import contrast

VOID = {"br", "img", "meta", "hr"}
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", re.DOTALL)


def faint_texts(html: str, *, dark: bool, least: float = 4.5) -> list[str]:
    """Texts below the contrast, each with its two colours."""
    reader = _Reader(_dark_rules(html) if dark else [])
    reader.feed(html)
    return [
        f"{text!r}: {colour} on {background}" for text, colour, background in reader.texts
        if contrast(colour, background) < least
    ]  # fmt: skip


def styles(text: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in text.split(";") if ":" in part)
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs}


def _dark_rules(html: str) -> list[tuple[str, dict[str, str]]]:
    """Single selectors with their styles, tags before classes: the order in which they win."""
    (block,) = DARK.findall(html)
    rules = [
        (selector.strip(), styles(body))
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", block) for selector in selectors.split(",")
    ]  # fmt: skip
    return sorted(rules, key=lambda rule: rule[0].startswith("."))


class _Reader(HTMLParser):
    def __init__(self, rules: list[tuple[str, dict[str, str]]]) -> None:
        super().__init__()
        self.rules = rules
        self.texts: list[tuple[str, str, str]] = []
        self.inside: list[tuple[str, dict[str, str]]] = [("", {"color": "#000000", "background-color": "#ffffff"})]

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        own = styles(given.get("style") or "")
        for selector, rule in self.rules:
            if selector == tag or (selector[1:] in (given.get("class") or "").split() and selector[0] == "."):
                own |= rule
        inherited = {key: value for key, value in self.inside[-1][1].items() if key != "hidden"}
        if own.get("display") == "none" or "hidden" in self.inside[-1][1]:
            own["hidden"] = "yes"
        if tag not in VOID:
            self.inside.append((tag, inherited | own))

    def handle_endtag(self, tag):
        while tag not in VOID and len(self.inside) > 1 and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tag, style = self.inside[-1]
        if data.strip() and tag not in ("style", "title") and "hidden" not in style:
            self.texts.append((data.strip(), style["color"], style["background-color"]))
