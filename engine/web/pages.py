"""Pages written from our own templates: always escaped, one environment for each language."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.rules import wording
from engine.rules.template_filters import filters

LOCALES = ("ja", "en")
SHARED = "shared"  # what customer pages and console both use, beside their folders
OURS = ("put", "day", "time", "moment", "arrival", "money", "price", "quantity", "honorific", "parcel")


class Words:
    """The words of one language: `words.copy` is the word "copy", not a method of a dictionary."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def keys(self) -> Set[str]:
        """The names of all words."""
        return self._texts.keys()

    def get(self, key: str) -> str | None:
        """The word, None if there is none of that name."""
        return self._texts.get(key)


class Pages:
    """The page templates of one folder, with the words they use from its words.yaml (key: {ja, en})."""

    def __init__(self, folder: Path) -> None:
        written = yaml.safe_load((folder / "words.yaml").read_text(encoding="utf-8"))
        self._folder = folder
        self._words = {locale: Words({key: text[locale] for key, text in written.items()}) for locale in LOCALES}
        self._environments = {locale: self._environment(folder, locale) for locale in LOCALES}

    def render(self, name: str, locale: str, values: Mapping[str, Any]) -> str:
        """The page in `locale`; datetimes among the values are aware and already in the reader's zone."""
        template = self._environments[locale].get_template(name)
        return template.render(values, locale=locale, words=self._words[locale])

    def text(self, name: str) -> str:
        """A file of the folder as it is: a script."""
        return (self._folder / name).read_text(encoding="utf-8")

    def words(self, locale: str) -> Words:
        """Every word and sentence of the folder in `locale`."""
        return self._words[locale]

    def _environment(self, folder: Path, locale: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader([folder, folder.parent / SHARED]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        shared = filters(locale)
        environment.filters |= {name: shared[name] for name in OURS}
        environment.filters["word"] = lambda key, spare=None: self._words[locale].get(key) or spare or key
        environment.filters["clean"] = wording.clean
        environment.filters["zoned"] = lambda at, zone: at.astimezone(zone)
        return environment


@lru_cache
def pages(folder: Path) -> Pages:
    """The pages of a folder, read once. Raises OSError when there is no such folder."""
    return Pages(folder)
