"""`todoke hooks`: what a merchant's developer types."""

import json

import cli
from engine.store import calls, hooks


def added(shell, *more) -> dict[str, str]:
    return shell.json("hooks", "add", "https://hooks.example.jp/todoke", *more)


def test_an_endpoint_is_added_listed_and_removed(shell, shop):
    assert shell.json("hooks", "list") == []
    made = added(shell, "--event", "order.*", "--event", "message.sent")
    assert made.keys() == {"hook", "secret"}
    assert made["secret"].startswith("whsec_")
    (row,) = shell.json("hooks", "list")
    assert (row["hook"], row["merchant"], row["state"]) == (made["hook"], "tea", "ok")
    assert row["events"] == ["order.*", "message.sent"]
    assert made["secret"] not in json.dumps(row)
    assert made["hook"] in shell.ok("hooks", "list").out
    assert shell.json("hooks", "list", made["hook"]) == []
    assert "removed" in shell.ok("hooks", "remove", made["hook"]).out
    assert shell.json("hooks", "list") == []


def test_the_operators_endpoint_belongs_to_nobody(shell, shop):
    made = added(shell, "--shared")
    (row,) = shell.json("hooks", "list")
    assert (row["hook"], row["merchant"], row["events"]) == (made["hook"], None, [])


def test_a_secret_is_rotated_and_two_are_active(shell, shop):
    made = added(shell)
    fresh = shell.json("hooks", "rotate", made["hook"])
    assert fresh["secret"] != made["secret"]
    assert shell.json("hooks", "list")[0]["secrets"] == 2
    shell.json("hooks", "rotate", made["hook"], "--at-once")
    assert shell.json("hooks", "list")[0]["secrets"] == 1


def test_what_was_given_up_is_replayed_and_a_disabled_one_enabled(shell, shop):
    number = added(shell)["hook"]
    app = cli.compose()
    real = app.clock.real()
    with app.store.begin(1) as tx:
        row = {"public_id": "evt_1", "hook_id": number, "merchant_id": 1, "subject_id": 1, "type": "order.paid",
               "at": real, "body": b"{}", "due_at": None, "fence": 0, "tries": 10, "status": "given_up"}  # fmt: skip
        calls.CALL(tx, [row])
    assert shell.ok("hooks", "replay", number).out == "1 event is told again\n"
    assert shell.ok("hooks", "replay", number, "--id", "evt_1").out == "1 event is told again\n"
    (event,) = shell.json("hooks", "list", number)
    assert (event["id"], event["status"], event["tries"]) == ("evt_1", "waiting", 0)
    with app.store.begin() as tx:
        hooks.disable(tx, number, "the endpoint said 410 Gone", real)
    app.store.close()
    refused = shell("hooks", "replay", number)
    assert refused.lines[2].endswith(f"todoke hooks enable {number}")
    assert "1 event that was kept is due now" in shell.ok("hooks", "enable", number).out
    refused = shell("hooks", "remove", number)
    assert "would be lost" in refused.err
    shell.ok("hooks", "remove", number, "--yes")


def test_a_test_says_what_the_endpoint_answers(shell, shop, monkeypatch, httpserver):
    monkeypatch.setenv("TODOKE_HTTP_PRIVATE", "127.0.0.0/8")
    httpserver.expect_request("/good").respond_with_data("", 204)
    httpserver.expect_request("/bad").respond_with_data("who are\nyou?", 401)
    good = shell.json("hooks", "add", httpserver.url_for("/good"))["hook"]
    bad = shell.json("hooks", "add", httpserver.url_for("/bad"), "--shared")["hook"]
    assert shell.ok("hooks", "test", good).out == "taken: 204\n"
    told = shell("hooks", "test", bad, "--json")
    assert (told.code, told.json) == (1, {"hook": bad, "taken": False, "code": 401, "said": "who are you?"})
    assert [request.get_json()["data"]["merchant"] for request, _ in httpserver.log] == ["tea", "all"]
    assert shell.json("hooks", "list", good) == []


def test_mistakes_are_named(shell, shop):
    wrong = shell("hooks", "add", "https://hooks.example.jp/x", "--event", "order.payed")
    assert wrong.lines[1] == "expected: did you mean 'order.paid'?"
    assert "https://" in shell("hooks", "add", "ftp://hooks.example.jp/x").err
    assert "by https only" in shell("hooks", "add", "http://hooks.example.jp/x").err
    added(shell)
    known = shell("hooks", "add", "https://hooks.example.jp/todoke")
    assert known.lines[0].endswith("there is such an endpoint")
    assert "no such endpoint" in shell("hooks", "rotate", "hook_nobody").err


def test_the_schema_is_printed(shell):
    schema = json.loads(shell.ok("schema", "hook").out)
    assert "message.sent" in schema["properties"]["type"]["enum"]
