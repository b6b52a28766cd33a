"""Conditions by which statements choose an index hold for every row."""

from __future__ import annotations

import re

from sqlmodel import SQLModel

from engine.store import tables

MARK = re.compile(r"(\w+) >= ''")


def test_a_mark_is_a_column_that_is_never_empty_of_a_value():
    assert tables
    marked = {
        (index.name, found[1]): index.table.c[found[1]].nullable
        for table in SQLModel.metadata.tables.values()
        for index in table.indexes
        if (found := MARK.search(str(index.dialect_options["postgresql"]["where"])))
    }
    assert len(marked) == 10
    assert not any(marked.values()), "a row without a value would be in no index, and nobody would find it"


def test_indexes_over_the_same_rows_have_marks_of_their_own():
    for table in SQLModel.metadata.tables.values():
        marks = [MARK.search(str(index.dialect_options["postgresql"]["where"])) for index in table.indexes]
        named = [found[1] for found in marks if found]
        assert len(named) == len(set(named)), table.name
