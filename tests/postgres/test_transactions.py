"""Every transaction begins once and ends once: the server has nothing to say about them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import event, text

from engine.store.chute import Chute
from engine.store.inbox import Raw
from tests.flow.house import House
from tests.flow.orders import order


def delivery(key: str) -> Raw:
    return Raw(
        connection="shop", merchant=None, dedupe_key=key, topic=None, headers={}, body=b"{}",
        received_at=datetime.now(UTC), verified_by="chute",
    )  # fmt: skip


def test_the_server_has_no_notice_for_us(tmp_path, postgres):
    house, notices = House(tmp_path, database_url=postgres.database().url), []
    house.app.store.close()  # connections made from here on are listened to
    event.listen(
        house.app.store.engine, "connect", lambda raw, _: raw.add_notice_handler(lambda of: notices.append(of))
    )
    house.tell(order())
    house.work()
    chute = Chute(house.app.store)
    first, second, third, fourth = (chute.pack(delivery(key)) for key in ("first", "second", "third", "fourth"))
    chute.put([first, second, third])
    chute.put([third, fourth])
    chute.close()
    with house.app.store.read() as tx:
        assert tx.conn.execute(text("SELECT count(*) FROM inbox WHERE verified_by = 'chute'")).scalar_one() == 4
    house.close()
    assert [of.message_primary for of in notices] == []
