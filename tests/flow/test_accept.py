"""What goes into the inbox as the name of a delivery."""

import os

from engine.contracts import Verified
from engine.flow.accept import LONGEST_KEY, keep, raw_delivery
from engine.store import merchants
from tests.flow.house import House


def test_a_name_of_any_length_fits_into_an_index(database, tmp_path):
    house = House(tmp_path)
    with house.app.store.read() as tx:
        shop = merchants.connection(tx, "shop")

    def key(told: str | None) -> str:
        return raw_delivery(house.app, shop, b"{}", {}, Verified(key=told)).dedupe_key

    assert key("evt_1") == "evt_1"
    long = "k" * LONGEST_KEY
    assert key(long) == long
    assert key(long + "a") == key(long + "a") != key(long + "b")
    assert len(key(long + "a")) == len(key(None)) == 64
    for told in (long, os.urandom(25_000).hex()):  # PostgreSQL packs what repeats itself
        assert len(keep(house.app, [raw_delivery(house.app, shop, b"{}", {}, Verified(key=told))])) == 1
    house.close()
