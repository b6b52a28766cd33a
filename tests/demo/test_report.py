"""What the demo says at its end is true of what it names."""

from __future__ import annotations

from engine.terminal.demo.report import tracking_address
from tests.flow.house import House
from tests.flow.orders import order, parcel, scan


def test_a_parcel_that_has_arrived_is_not_told_as_on_its_way(tmp_path):
    house = House(tmp_path)
    app, merchant = house.app, house.merchant.id
    house.tell(order(number="#1"), order(number="#2"))
    house.work()
    assert tracking_address(app, merchant, on_its_way=True) is None
    house.tell(parcel(number="#1"))
    house.work()
    first = tracking_address(app, merchant)
    house.tell(parcel(number="#2"))
    house.work()
    assert tracking_address(app, merchant, on_its_way=True) == tracking_address(app, merchant) != first
    house.tell(scan(-1, "delivered", number="#2"))
    house.work()
    assert tracking_address(app, merchant, on_its_way=True) == first
    house.tell(scan(-1, "delivered", number="#1"))
    house.work()
    assert tracking_address(app, merchant, on_its_way=True) is None
    house.close()
