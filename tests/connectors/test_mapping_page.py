"""docs/mapping.md lists what a mapping may hold, all of it."""

import re
from pathlib import Path

import connectors.sources.mapped as mapped
from connectors.sources.mapped.expressions import _Functions
from connectors.sources.mapped.options import OPTIONS, WAYS
from connectors.sources.mapped.spec import MEANINGS, ORDER, RECORD, RETURN, SCAN, SHIPMENT
from engine.contracts import Delivery
from tests.connectors.playing import NOW

PAGE = (Path(mapped.__file__).parents[3] / "docs" / "mapping.md").read_text("utf-8")


def words(row: str) -> set[str]:
    """The words in code marks of the table rows that start with that word."""
    lines = [line for line in PAGE.splitlines() if line.startswith(f"| `{row}`")]
    assert lines, row
    return {word for line in lines for word in re.findall(r"`([a-z_0-9]+)`", line)} - {row}


def test_the_page_lists_every_field_of_every_part():
    shared = set(RECORD.fields) - {"owner"}
    assert {word for word in shared if f"`{word}`" not in PAGE} == set()
    for name, part in {"order": ORDER, "shipment": SHIPMENT, "scan": SCAN, "return": RETURN}.items():
        inner = {below: one for below, one in part.parts.items() if below in {"lines", "contents"}}
        assert words(name) >= (set(part.fields) - shared) | set(part.parts), name
        for below, one in inner.items():
            assert words(below) - {"each"} >= set(one.fields), below
    assert words("orderer") >= set(ORDER.parts["orderer"].fields)


def test_the_page_lists_every_key_way_function_and_status():
    listed = set(re.findall(r"`([a-z_0-9]+)`", PAGE))
    assert listed >= {*OPTIONS, *WAYS, "records", "statuses", "owner"}
    assert {name for name in vars(_Functions) if name.startswith("_func_") and name[6:] not in PAGE} == set()
    for name in ("order", "scan", "return"):
        assert words(name) >= set(MEANINGS[name])


def test_the_sample_of_the_page_can_be_used():
    (sample,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert mapped.SOURCE.misset({"mapping": sample, "route": "yes"}) is None
    body = (
        '{"出荷": {"荷主": {"コード": "A"}, "受注番号": 7, "更新日時": "2026-11-24 10:00", '
        '"送り状番号": "401234567923", "状態": "出荷済", "明細": {"商品コード": "TEA", "数量": "2"}}}'
    )
    told = Delivery(body=body.encode(), headers={}, received_at=NOW, config={"mapping": sample, "route": "yes"})
    (routed,) = mapped.SOURCE.read(told).routed
    (parcel,) = routed.observations
    assert (routed.route, parcel.ref.order_number, parcel.contents[0].quantity) == ("A", "7", 2)
    assert parcel.dispatched_at is not None
