"""Files that somebody puts into a folder: each taken exactly once, when it is whole, and put away when it was read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.flow.ask import collect as collecting
from engine.flow.ask.errand import ask
from engine.flow.ask.plan import arrange, arrange_all
from engine.io.clock import SteppedClock
from engine.io.folder import Folder
from engine.rules.drop import SETTLED
from engine.store import errands, merchants
from engine.store.errands import Errand
from engine.store.merchants import Connection
from tests.flow.house import START, House, Killed
from tests.services.sftp import PASSWORD, serving

pytestmark = pytest.mark.usefixtures("database")
HEADER = "受注番号,出荷日,送り状番号,配送業者\n"
WHOLE = SETTLED + timedelta(seconds=1)


class Skipping(SteppedClock):
    """Real time that can be moved on as well."""

    skipped = timedelta(0)

    def real(self) -> datetime:
        return super().real() + self.skipped


class Warehouse:
    """A house with a connection "wms" that takes CSV files from a folder."""

    def __init__(self, home: Path, drop: str, folder: Path, *, secrets: Any = None, **config: str) -> None:
        self.house, self.folder = House(home), folder
        self.clock = self.house.app.clock = self.house.clock = Skipping(START)
        self.config = {"drop": drop, **config}
        self.house.connect("wms", "csv", config=self.config, secrets=secrets or {})
        with self.app.store.begin() as tx:
            arrange(self.app, tx, self.connection())

    @property
    def app(self) -> Any:
        return self.house.app

    def connection(self) -> Connection:
        with self.app.store.read() as tx:
            found = merchants.connection(tx, "wms")
        assert found is not None
        return found

    def errand(self) -> Errand:
        with self.app.store.read() as tx:
            (found,) = errands.of(tx, "wms")
        return found

    def put(self, name: str, *rows: str) -> None:
        (self.folder / name).write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")

    def look(self, **later: float) -> None:
        """Time goes on, and whoever's turn it is looks."""
        self.clock.skipped += timedelta(**later) if later else WHOLE
        assert ask(self.app) == 1

    def day(self) -> None:
        """Looks and work, until nothing is left to do."""
        for _ in range(4):
            self.look(minutes=2)
            self.house.observe()

    def inbox(self) -> list[tuple[str, str]]:
        return [(row.state, row.verified_by) for row in self.house.rows("SELECT * FROM inbox ORDER BY id")]

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def wms(tmp_path: Path) -> Iterator[Warehouse]:
    folder = tmp_path / "drop"
    folder.mkdir()
    one = Warehouse(tmp_path / "home", str(folder), folder)
    yield one
    one.house.close()


def test_a_file_is_taken_read_and_put_away(wms):
    wms.put("shukka.csv", "A-1,20260408,401234567923,ヤマト")
    wms.look()
    assert wms.inbox() == [], "it may still be being written"
    assert wms.errand().due_at - wms.clock.real() < timedelta(seconds=15)
    wms.look()
    assert wms.inbox() == [("new", "drop")]
    assert wms.files() == {"shukka.csv"}, "it stays until it was read"
    wms.house.observe()
    wms.look()
    assert wms.inbox() == [("processed", "drop")]
    assert wms.files() == {"processed/shukka.csv"}
    assert wms.connection().last_delivery_at == wms.clock.now()
    assert timedelta(0) < wms.errand().due_at - wms.clock.real() <= timedelta(seconds=10)
    assert len(wms.house.rows("SELECT 1 FROM subject")) == 1


def test_a_file_that_grows_is_not_taken_before_it_stands_still(wms):
    for row in range(4):
        wms.put("shukka.csv", *(f"A-{n},20260408,4012345679{n:02d},ヤマト" for n in range(row + 1)))
        wms.look()
    assert wms.inbox() == []
    wms.day()
    assert wms.inbox() == [("processed", "drop")]
    assert len(wms.house.rows("SELECT 1 FROM subject")) == 4


def test_names_of_unfinished_files_and_those_that_nobody_wants_are_left(tmp_path):
    (tmp_path / "drop").mkdir()
    wms = Warehouse(tmp_path / "home", str(tmp_path / "drop"), tmp_path / "drop", drop_files="*.CSV")
    for name in ("a.csv.filepart", ".b.csv", "c.csv~", "d.csv.tmp", "e.txt", "f.csv.reason.txt"):
        wms.put(name, "A-1,20260408,401234567923,ヤマト")
    (tmp_path / "drop" / "empty.csv").touch()
    wms.day()
    assert wms.inbox() == []
    (tmp_path / "drop" / "a.csv.filepart").rename(tmp_path / "drop" / "a.csv")  # it is finished now
    wms.day()
    assert sorted(wms.inbox()) == [("ignored", "drop"), ("processed", "drop")]  # and the empty one has had its time
    assert {"processed/a.csv", "processed/empty.csv", "c.csv~", "e.txt"} <= wms.files()
    wms.house.close()


def test_a_file_that_cannot_be_read_goes_to_failed_with_the_reason(wms):
    wms.put("bad.csv", "A-1")
    wms.put("partly.csv", "A-2,20260408,401234567934,ヤマト", "A-3")
    wms.put("good.csv", "A-4,20260408,401234567945,ヤマト")
    wms.day()
    assert wms.files() == {
        "failed/bad.csv", "failed/bad.csv.reason.txt", "processed/partly.csv", "processed/partly.csv.reason.txt",
        "processed/good.csv",
    }  # fmt: skip
    assert "line 2" in (wms.folder / "failed/bad.csv.reason.txt").read_text("utf-8")
    assert "1 lines left out: line 3" in (wms.folder / "processed/partly.csv.reason.txt").read_text("utf-8")


def test_a_file_that_comes_again_is_known_and_one_of_the_same_name_is_another(wms):
    wms.put("shukka.csv", "A-1,20260408,401234567923,ヤマト")
    wms.day()
    wms.put("shukka.csv", "A-1,20260408,401234567923,ヤマト")
    wms.day()
    assert wms.inbox() == [("processed", "drop")], "the same name and content is the same file"
    wms.put("shukka.csv", "A-2,20260408,401234567934,ヤマト")
    wms.day()
    assert len(wms.inbox()) == 2
    assert len(list((wms.folder / "processed").iterdir())) == 3
    assert {len(path.name.split(".")) for path in (wms.folder / "processed").iterdir()} == {2, 3}


@pytest.mark.parametrize("when", ["before it is stored", "after it is stored", "before it is moved"])
def test_who_is_killed_while_taking_a_file_loses_and_doubles_nothing(wms, when, monkeypatch):
    wms.put("shukka.csv", "A-1,20260408,401234567923,ヤマト")
    wms.look()
    real_read, real_keep, real_away = Folder.read, collecting.Visit.keep, Folder.put_away

    def dead(*_: Any) -> Any:
        raise Killed

    def dead_after(self: Any, page: Any) -> None:
        real_keep(self, page)
        raise Killed

    if when == "before it is stored":
        monkeypatch.setattr(Folder, "read", dead)
    elif when == "after it is stored":
        monkeypatch.setattr(collecting.Visit, "keep", dead_after)
    else:
        wms.look()
        wms.house.observe()
        monkeypatch.setattr(Folder, "put_away", dead)
    with pytest.raises(Killed):
        wms.look()
    monkeypatch.setattr(Folder, "read", real_read)
    monkeypatch.setattr(collecting.Visit, "keep", real_keep)
    monkeypatch.setattr(Folder, "put_away", real_away)
    wms.clock.skipped += timedelta(minutes=5)  # the lease of whoever was killed runs out
    wms.day()
    assert wms.inbox() == [("processed", "drop")]
    assert wms.files() == {"processed/shukka.csv"}


def test_a_file_that_nobody_may_move_is_told_and_is_in_nobodys_way(wms):
    (wms.folder / "processed").write_text("a file where the folder should be")
    wms.put("a.csv", "A-1,20260408,401234567923,ヤマト")
    wms.day()
    wms.put("b.csv", "A-2,20260408,401234567934,ヤマト")
    wms.day()
    assert [state for state, _ in wms.inbox()].count("processed") >= 2
    first, *_ = wms.errand().findings
    assert (first["level"], "cannot be moved to processed/" in first["what"]) == ("error", True)
    assert wms.errand().why is None


def test_files_may_stay_where_they_are(tmp_path):
    (tmp_path / "drop").mkdir()
    wms = Warehouse(tmp_path / "home", str(tmp_path / "drop"), tmp_path / "drop", drop_after="keep")
    wms.put("a.csv", "A-1,20260408,401234567923,ヤマト")
    wms.put("bad.csv", "A-2")
    wms.day()
    wms.day()
    assert sorted(state for state, _ in wms.inbox()) == ["dead", "processed"]
    assert wms.files() == {"a.csv", "bad.csv"}
    wms.put("a.csv", "A-1,20260408,401234567923,ヤマト", "A-9,20260408,401234567956,ヤマト")
    wms.day()
    assert len(wms.inbox()) == 3, "a file that has changed is another"
    wms.house.close()


def test_a_file_that_is_too_large_goes_to_failed_unread(tmp_path):
    (tmp_path / "drop").mkdir()
    wms = Warehouse(tmp_path / "home", str(tmp_path / "drop"), tmp_path / "drop")
    wms.app.settings.max_file = 200
    wms.put("large.csv", *(["A-1,20260408,401234567923,ヤマト"] * 10))
    wms.day()
    assert wms.inbox() == []
    assert "larger than 200 bytes" in (tmp_path / "drop/failed/large.csv.reason.txt").read_text()
    wms.house.close()


def test_files_that_lay_there_long_before_are_history(wms):
    """A warehouse shows its folder of the last years: nobody is written to about it."""
    wms.put("old.csv", "A-1,20260408,401234567923,ヤマト")
    wms.put("new.csv", "A-2,20260408,401234567934,ヤマト")
    before = (START - timedelta(days=3)).timestamp()
    os.utime(wms.folder / "old.csv", (before, before))
    wms.day()
    rows = wms.house.rows("SELECT backfill, state FROM inbox ORDER BY backfill")
    assert [(bool(row.backfill), row.state) for row in rows] == [(False, "processed"), (True, "processed")]


def test_a_folder_that_is_away_is_looked_for_again(wms):
    gone = wms.folder.rename(wms.folder.with_name("gone"))
    wms.look()
    assert (wms.errand().why, wms.errand().tries) == ("provider", 1)
    assert "there is no folder" in wms.errand().reason
    gone.rename(wms.folder)
    wms.put("a.csv", "A-1,20260408,401234567923,ヤマト")
    wms.day()
    assert (wms.errand().why, wms.inbox()) == (None, [("processed", "drop")])


def test_connections_that_are_there_already_are_planned_once(wms):
    assert arrange_all(wms.app) == 0
    with wms.app.store.begin() as tx:
        errands.start_over(tx, wms.errand())
    assert arrange_all(wms.app) == 0
    assert wms.errand().kind == "collect"


def test_files_come_from_an_sftp_server_and_a_wrong_password_is_told(tmp_path):
    with serving("library", tmp_path / "sftp") as server:
        wms = Warehouse(
            tmp_path / "home", server.drop, server.folder, drop_host_key=server.fingerprint,
            secrets={"drop_password": (PASSWORD,)},
        )  # fmt: skip
        wms.put("shukka.csv", "A-1,20260408,401234567923,ヤマト")
        wms.put("bad.csv", "A-1")
        wms.day()
        assert sorted(state for state, _ in wms.inbox()) == ["dead", "processed"]
        assert wms.files() == {"processed/shukka.csv", "failed/bad.csv", "failed/bad.csv.reason.txt"}
        wrong = {**wms.connection().secrets, "drop_password": ("something else",)}
        with wms.app.store.begin() as tx:
            merchants.reconnect(tx, _with(wms.connection(), wrong))
        wms.look(minutes=2)
        assert (wms.errand().why, wms.errand().held_for) == ("request", None)
        assert "something else" not in (wms.errand().reason or "")
        wms.house.close()


def _with(connection: Connection, secrets: Any) -> Connection:
    from dataclasses import replace

    return replace(connection, secrets=secrets)
