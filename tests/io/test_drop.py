"""A folder here or on an SFTP server: listed, read while it stands still, put away; and who is let in."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from engine.io.drop import Drop, DropFailed
from engine.io.folder import Folder
from engine.io.sftp import Sftp
from engine.rules.drop import place
from tests.services.sftp import PASSWORD, Server, kinds, serving


@pytest.fixture(params=kinds())
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with serving(request.param, tmp_path / "sftp") as one:
        yield one


@contextmanager
def opened(server: Server, **options: str) -> Iterator[Sftp]:
    where = place(server.drop)
    assert where is not None
    one = Sftp(where, **{"host_key": server.fingerprint, "key": server.key, **options})
    try:
        yield one
    finally:
        one.close()


@pytest.fixture(params=["folder", *kinds()])
def drop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Drop, Path]]:
    if request.param == "folder":
        (tmp_path / "drop").mkdir()
        yield Folder(str(tmp_path / "drop")), tmp_path / "drop"
        return
    with serving(request.param, tmp_path / "sftp") as server, opened(server) as one:
        yield one, server.folder


def still() -> None:
    return


def test_files_are_listed_read_and_put_away(drop):
    one, folder = drop
    (folder / "出荷 1.csv").write_bytes("受注番号\n1\n".encode("cp932"))
    (folder / "large.bin").write_bytes(os.urandom(700_000))
    (folder / "sub").mkdir()
    found = {entry.name: entry for entry in one.look()}
    assert found.keys() == {"出荷 1.csv", "large.bin"}
    assert one.read(found["出荷 1.csv"], still) == "受注番号\n1\n".encode("cp932")
    assert one.read(found["large.bin"], still) == (folder / "large.bin").read_bytes()
    one.put_away("出荷 1.csv", "processed", "出荷 1.aaaa.csv", None)
    one.put_away("large.bin", "failed", "large.bbbb.bin", "line 2: no order number")
    assert (folder / "processed" / "出荷 1.csv").exists()
    assert (folder / "failed" / "large.bin.reason.txt").read_text("utf-8") == "line 2: no order number\n"
    assert [entry.name for entry in one.look()] == []


def test_a_file_of_a_name_that_has_been_there_before_overwrites_nothing(drop):
    one, folder = drop
    for text in ("first", "second"):
        (folder / "a.csv").write_text(text)
        one.put_away("a.csv", "processed", f"a.{text}.csv", None)
    assert {path.name: path.read_text() for path in (folder / "processed").iterdir()} == {
        "a.csv": "first", "a.second.csv": "second",
    }  # fmt: skip


def test_a_file_that_changes_while_it_is_read_is_not_taken(drop):
    one, folder = drop
    (folder / "a.csv").write_bytes(b"x" * 600_000)
    (entry,) = one.look()

    def grow() -> None:
        with (folder / "a.csv").open("ab") as file:
            file.write(b"more")

    assert one.read(entry, grow) is None
    assert one.read(entry, still) is None  # it is not what was listed
    (folder / "a.csv").unlink()
    assert one.read(entry, still) is None
    one.put_away("a.csv", "processed", "a.1.csv", None)  # somebody else was faster


def test_links_and_pipes_are_nobodys_files(drop):
    one, folder = drop
    secret = folder.parent / "secret"
    secret.write_text("not for them")
    (folder / "link.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    assert one.look() == []


def test_a_folder_that_is_missing_or_closed_says_so(drop):
    one, folder = drop
    (folder / "a.csv").write_text("x")
    (entry,) = one.look()
    (folder / "processed").write_text("a file where the folder should be")
    with pytest.raises(DropFailed, match="drop_after=keep") as failed:
        one.put_away("a.csv", "processed", "a.1.csv", None)
    assert failed.value.why == "request"
    assert one.read(entry, still) == b"x"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DropFailed, match="there is no folder") as failed:
        Folder(str(tmp_path / "nowhere")).look()
    assert failed.value.why == "request"


def test_a_folder_that_is_not_there_on_a_server(server):
    where = place(f"{server.drop.rstrip('/')}/nowhere")
    one = Sftp(where, host_key=server.fingerprint, key=server.key)
    try:
        with pytest.raises(DropFailed) as failed:
            one.look()
    finally:
        one.close()
    assert failed.value.why == "request"


@pytest.mark.parametrize(
    "form",
    [
        lambda server: server.fingerprint,
        lambda server: f"# the key of the warehouse\n{server.public_key}",
        lambda server: f"[127.0.0.1]:{server.port} {server.public_key}",
    ],
    ids=["fingerprint", "key", "known_hosts"],
)
def test_the_server_must_show_its_key(server: Server, form: Callable[[Server], str]) -> None:
    with opened(server, host_key=form(server)) as one:
        assert one.look() == []
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    public = stranger.export_public_key().decode()
    for other in (stranger.get_fingerprint(), public, f"[127.0.0.1]:{server.port} {public}"):
        with pytest.raises(DropFailed) as failed, opened(server, host_key=other):
            pass
        assert failed.value.why == "login"


def test_who_has_no_key_or_password_is_not_let_in(server):
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(DropFailed) as failed, opened(server, key=other):
        pass
    assert failed.value.why == "login"
    for broken in ({"key": "no key"}, {"host_key": "ssh-ed25519 AAAA"}):
        with pytest.raises(DropFailed) as failed, opened(server, **broken):
            pass
        assert failed.value.why == "needs"


def test_a_password_opens_the_account_and_is_in_no_message(tmp_path):
    with serving("library", tmp_path / "sftp") as server:
        where = place(server.drop)
        one = Sftp(where, host_key=server.fingerprint, password=PASSWORD)
        assert one.look() == []
        one.close()
        with pytest.raises(DropFailed) as failed:
            Sftp(where, host_key=server.fingerprint, password="a wrong password")
    assert failed.value.why == "login"
    assert "wrong password" not in str(failed.value)


def test_a_server_that_is_away_or_says_nothing_of_the_kind():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
    where = place(f"sftp://wms@127.0.0.1:{port}/")
    with pytest.raises(DropFailed) as failed:
        Sftp(where, host_key="SHA256:x", password="x")
    assert failed.value.why == "transport"
