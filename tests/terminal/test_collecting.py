"""`todoke connections collect`: files from a folder, by hand, and what must be set for them."""

import pytest

HEADER = "受注番号,出荷日,送り状番号,配送業者\n"


@pytest.fixture
def drop(shell, monkeypatch):
    from datetime import timedelta

    from engine.rules import drop as rules

    monkeypatch.setattr(rules, "SETTLED", timedelta(seconds=0.1))
    monkeypatch.setattr(rules, "SOON", timedelta(seconds=0.2))
    shell.ok("merchant", "add", "tea")
    folder = shell.folder / "drop"
    folder.mkdir()
    return folder


def test_files_are_taken_worked_on_and_put_away(shell, drop):
    number = shell.connect("csv", "--set", "secret=x", "--set", f"drop={drop}")
    (drop / "a.csv").write_text(HEADER + "A-1,20260408,401234567923,ヤマト\n", "utf-8")
    told = shell.json("connections", "collect", number)
    assert (told["accepted"], told["processed"]) == (1, 1)
    assert sorted(path.name for path in drop.rglob("*.csv")) == ["a.csv"]
    assert (drop / "processed" / "a.csv").exists()
    (drop / "b.csv").write_text("nothing of ours\n", "utf-8")
    ran = shell("connections", "collect", number)
    assert ran.code == 1
    assert (drop / "failed" / "b.csv.reason.txt").exists()


def test_a_connection_without_a_folder_is_refused_with_what_to_set(shell, drop):
    number = shell.connect("csv", "--set", "secret=x")
    assert shell("connections", "collect", number).lines[2] == f"type: todoke connections set {number} drop=/FOLDER"
    shop = shell.connect("shopify", "--set", "secret=x")
    assert "takes no files" in shell("connections", "collect", shop).lines[0]
    shell.ok("connections", "set", number, f"drop={drop}/nowhere")
    assert "there is no folder" in shell("connections", "collect", number).lines[0]


@pytest.mark.parametrize(
    ("given", "first"),
    [
        (("drop=relative/folder",), "--set drop: not a value it can have"),
        (("drop=sftp://wms@sftp.example.jp/out",), "drop_host_key is missing"),
        (("drop=sftp://wms@sftp.example.jp/out", "drop_host_key=SHA256:x"), "drop_password or drop_key is missing"),
        (("drop=sftp://wms:pass@sftp.example.jp/out", "drop_password=x"), "drop: expected /folder or sftp://"),
        (("drop=/srv/x", "drop_minutes=0"), "--set drop_minutes: not a value it can have"),
    ],
)
def test_what_is_missing_for_a_folder_is_told_when_it_is_set(shell, drop, given, first):
    words = [word for one in given for word in ("--set", one)]
    assert shell("connect", "csv", "--set", "secret=x", *words).lines[0].startswith(first)


def test_keys_are_read_from_files_and_kept_as_secrets(shell, drop):
    (shell.folder / "id").write_text("PRIVATE\nKEY\n")
    (shell.folder / "known").write_text("sftp.example.jp ssh-ed25519 AAAA\n")
    number = shell.connect(
        "csv", "--set", "secret=x", "--set", "drop=sftp://wms@sftp.example.jp/out",
        "--set", f"drop_host_key=@{shell.folder}/known", "--set", f"drop_key=@{shell.folder}/id",
    )  # fmt: skip
    shown = shell.ok("connections", "--json").out + shell.ok("connections").out
    assert number in shown
    assert "PRIVATE" not in shown


def test_a_source_of_files_needs_no_secret_and_takes_no_post_without_one(shell, drop):
    import cli
    from engine.contracts import Delivery, Refused

    number = shell.connect("x12", "--set", f"drop={drop}")
    app = cli.compose()
    told = Delivery(body=b"ISA", headers={}, received_at=app.clock.real(), config={})
    assert isinstance(app.sources("x12").verify(told, [], app.clock.real()), Refused)
    app.store.close()
    assert number.startswith("x12-")
