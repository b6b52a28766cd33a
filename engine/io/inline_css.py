"""Styles written into the tags of templates, once, when they are loaded.

Mail programs drop style sheets, so every tag carries its own style. Doing that per message costs more than
all the rest of rendering, so it is done to the templates: their Jinja parts are hidden from the HTML parser
and put back afterwards.
"""

from __future__ import annotations

import re

from css_inline import CSSInliner

_JINJA = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.DOTALL)
_HIDDEN = re.compile(r"<!--jinja(\d+)-->|jinja(\d+)x")
_COLOUR = re.compile(r"ACCENT-([a-z-]+)")
_INDENT = re.compile(r"\n\s+")


def split(css: str) -> tuple[str, str]:
    """The rules to be written into tags, and those that have to stay in the head: all from the first @media.

    ACCENT-fill and alike stand for the merchant's colours, in both parts.
    """
    inline, at, head = css.partition("\n@media")
    return inline, _merchant_colours(at + head)


def inlined(source: str, css: str) -> str:
    """Return the template with `css` written into its tags. A fragment stays a fragment.

    Statements and expressions may stand between tags and in attribute values. A <tr> needs its <tbody>,
    or the HTML parser would add one around it.
    """
    page, kept = _hidden(source)
    if page.lstrip().lower().startswith("<!doctype"):
        page = CSSInliner(extra_css=css, keep_style_tags=True, load_remote_stylesheets=False).inline(page)
    else:
        page = CSSInliner(load_remote_stylesheets=False).inline_fragment(page, css)
    page = _HIDDEN.sub(lambda found: kept[int(found.group(1) or found.group(2))], page)
    return _INDENT.sub("\n", _merchant_colours(page))


def _hidden(source: str) -> tuple[str, list[str]]:
    """The source as HTML alone, and its Jinja parts. A part becomes a comment, because text between the
    rows of a table would be thrown out of it; inside a tag or a title, where no comment can be, a word."""
    page, end = "", 0
    kept: list[str] = []
    for found in _JINJA.finditer(source):
        page += source[end : found.start()]
        end = found.end()
        inside = page.rfind("<") > page.rfind(">") or page.endswith("<title>")
        page += f"jinja{len(kept)}x" if inside else f"<!--jinja{len(kept)}-->"
        kept.append(found.group())
    return page + source[end:], kept


def _merchant_colours(text: str) -> str:
    return _COLOUR.sub(lambda found: "{{ look." + found.group(1).replace("-", "_") + " }}", text)
