"""The connection breaks during COMMIT: whoever does not know whether it counted acts as the promise says."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from engine.contracts import Answer, Failure
from engine.flow.send import deliver
from engine.web.app import make_app
from tests.e2e.installation import SECRET, standard
from tests.flow.house import Desk, House
from tests.flow.orders import order
from tests.services.cut import MOMENTS, Wire


@pytest.fixture
def wire(postgres_url):
    made = Wire(postgres_url)
    yield made
    made.close()


@pytest.fixture
def rig(tmp_path, wire):
    desk = Desk(Answer(code=250))
    house = House(tmp_path, database_url=wire.url, post=lambda _: desk, channel="smtp")
    house.app.settings.lease_seconds = 0  # what is in doubt is free at once
    yield house, desk
    house.close()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_delivery_whose_commit_is_in_doubt_is_not_acknowledged(rig, wire, moment):
    house, _ = rig
    house.connect("signed", "standard", secrets={"secret": (SECRET,)})
    body = msgspec.json.encode([order()])
    with TestClient(make_app(house.app)) as web:
        wire.arm("INSERT INTO inbox", moment)
        headers = standard("once", body)
        refused = web.post("/in/signed", content=body, headers=headers)
        assert (refused.status_code, wire.cuts) == (503, 1)
        assert web.post("/in/signed", content=body, headers=headers).status_code == 202
    house.work()
    assert house.rows("SELECT count(*) AS n FROM inbox")[0].n == 1
    assert house.statuses() == {"order_confirmed/tell/order": "sent"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_may_not_be_armed_does_not_leave(rig, wire, moment):
    house, desk = rig
    house.tell(order())
    wire.arm("INSERT INTO attempt", moment)
    with pytest.raises(Exception, match="connection"):
        deliver(house.app)
    assert (wire.cuts, desk.handed) == (1, [])
    house.work()  # its lease is over at once
    if moment == "unheard":
        assert (house.statuses(), len(desk.handed)) == ({"order_confirmed/tell/order": "sent"}, 1)
    else:
        assert (house.statuses(), desk.handed) == ({"order_confirmed/tell/order": "unknown"}, [])


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_outcome_is_written_again_until_it_stands(rig, wire, moment):
    house, desk = rig
    house.tell(order())
    wire.arm("UPDATE attempt", moment)
    house.work()
    assert (wire.cuts, len(desk.handed)) == (1, 1)
    assert house.statuses() == {"order_confirmed/tell/order": "sent"}
    assert [row.decision for row in house.rows("SELECT decision FROM ledger")].count("sent") == 1
    assert house.rows("SELECT armed FROM volume")[0].armed == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_did_not_leave_is_taken_back_once(rig, wire, moment, late):
    house, desk = rig
    desk.answers[:] = [Failure(stage="refused", code=451, command="DATA", text="4.3.0 try again later")]
    house.app.settings.arm_seconds = -1 if late else 5
    house.tell(order())
    wire.arm("DELETE FROM attempt" if late else "UPDATE attempt", moment)
    deliver(house.app)
    assert (wire.cuts, len(desk.handed)) == (1, 0 if late else 1)
    assert house.statuses() == {"order_confirmed/tell/order": "planned"}
    assert [row.decision for row in house.rows("SELECT decision FROM ledger")].count("deferred") == 1
    assert house.rows("SELECT armed FROM volume")[0].armed == 0


@pytest.mark.parametrize("state", ["53100", "58030", "25006", "57P03"])
def test_an_outcome_outlasts_a_server_that_takes_nothing_for_a_while(tmp_path, postgres_url, state):
    house, tries = House(tmp_path, database_url=postgres_url), []

    def write(tx):
        tries.append(state)
        if len(tries) < 3:
            raising = f"DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END $$"
            tx.conn.execute(text(raising))

    house.app.store.commit(write, patient=True)
    assert len(tries) == 3
    with pytest.raises(DBAPIError, match="not now"):
        house.app.store.commit(lambda tx: (tries.clear(), write(tx)))
    house.close()


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_observed_counts_once(rig, wire, moment):
    house, _ = rig
    wire.arm("INSERT INTO observation", moment)
    house.tell(order())
    assert wire.cuts == 1
    house.work()
    assert house.rows("SELECT count(*) AS n FROM observation")[0].n == 1
    assert house.statuses() == {"order_confirmed/tell/order": "sent"}
