"""Which files of a folder are for us, and when they are whole."""

import pytest

from engine.rules.drop import (
    Entry,
    Place,
    Seen,
    every,
    filed,
    misset,
    moment,
    noticed,
    place,
    put_there,
    settled,
    wanted,
)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("/srv/drop", Place(path="/srv/drop")),
        ("sftp://wms@sftp.example.jp", Place(path=".", host="sftp.example.jp", user="wms")),
        ("sftp://wms@sftp.example.jp/out", Place(path="/out", host="sftp.example.jp", user="wms")),
        ("sftp://wms@sftp.example.jp/~/out", Place(path="out", host="sftp.example.jp", user="wms")),
        ("sftp://w%40ms@[::1]:2222/a%20b", Place(path="/a b", host="::1", port=2222, user="w@ms")),
        ("sftp://sftp.example.jp/out", None),
        ("sftp://wms:secret@sftp.example.jp/out", None),
        ("sftp://wms@sftp.example.jp:port/out", None),
        ("ftp://wms@ftp.example.jp/out", None),
        ("drop", None),
    ],
)
def test_where_files_are(text, there):
    assert place(text) == there


@pytest.mark.parametrize("name", ["a.csv", "出荷実績_20261124.CSV", "a b.xml", "no-suffix", "tmp.csv", "part.1"])
def test_finished_files_are_wanted(name):
    assert wanted(name, {})


@pytest.mark.parametrize(
    "name",
    [".a.csv", "a.csv~", "a.csv.tmp", "A.CSV.PART", "a.csv.filepart", "a.csv.crdownload", "a.csv.reason.txt",
     "processed", "failed", "a\nb.csv", ".DS_Store"],
)  # fmt: skip
def test_unfinished_files_and_our_own_are_not(name):
    assert not wanted(name, {})


def test_names_are_chosen_whatever_their_case():
    assert wanted("A.CSV", {"drop_files": "*.csv"})
    assert not wanted("a.txt", {"drop_files": "*.csv"})


def test_a_file_is_whole_when_it_has_stood_still():
    first = noticed(Entry(name="a", size=5, modified=1), None, 100.0)
    assert not settled(first, 105.0)
    assert settled(noticed(Entry(name="a", size=5, modified=1), first, 111.0), 111.0)
    for changed in (Entry(name="a", size=6, modified=1), Entry(name="a", size=5, modified=2)):
        assert not settled(noticed(changed, first, 111.0), 111.0)
    assert not settled(Seen(size=0, modified=1, at=0.0), 300.0)
    assert settled(Seen(size=0, modified=1, at=0.0), 601.0)


def test_a_name_that_is_taken_keeps_its_suffix():
    assert filed("a.b.csv", "file-0123456789abcdef") == "a.b.89abcdef.csv"
    assert filed("noname", "file-0123456789abcdef") == "noname.89abcdef"


def test_times_that_no_clock_can_have_meant_are_none():
    assert moment(1e30) is None
    assert put_there(Entry(name="a", size=1, modified=1)) is None


def test_what_sftp_needs():
    there = {"drop": "sftp://wms@sftp.example.jp/out"}
    assert misset({}, []) is None
    assert misset({"drop": "/srv"}, []) is None
    assert "drop_host_key" in (misset(there, ["drop_password"]) or "")
    assert "drop_password" in (misset({**there, "drop_host_key": "SHA256:x"}, []) or "")
    assert misset({**there, "drop_host_key": "SHA256:x"}, ["drop_key"]) is None
    assert every({**there, "drop_minutes": "5"}).total_seconds() == 300
    assert every(there).total_seconds() == 60
    assert every({"drop": "/srv"}).total_seconds() == 10
