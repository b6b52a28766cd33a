"""The fields that are asked for. Next Engine answers only those that are named, and refuses a name it does not know.

https://developer.next-engine.com/api/api_v1_receiveorder_base/search and .../api_v1_receiveorder_row/search
"""

from __future__ import annotations

from connectors.sources.next_engine.words import BASE, ROW

SLIP = tuple(
    BASE + name
    for name in (
        "id", "shop_id", "shop_cut_form_id", "date", "order_status_id", "cancel_type_id", "cancel_type_name",
        "cancel_date", "deposit_type_id", "deposit_date", "payment_method_id", "total_amount",
        "send_date", "send_plan_date", "hope_delivery_date", "hope_delivery_time_slot_name", "delivery_name",
        "delivery_cut_form_id",
        "customer_id", "purchaser_name", "purchaser_zip_code", "purchaser_address1", "purchaser_address2",
        "purchaser_tel", "purchaser_mail_address", "consignee_name", "consignee_zip_code", "consignee_address1",
        "consignee_address2", "consignee_tel", "multi_delivery_parent_order_id",
        "divide_from_order_id", "multi_delivery_parent_flag", "deleted_flag", "creation_date", "last_modified_date",
        "last_modified_null_safe_date",
    )
)  # fmt: skip

LINE = (
    *(
        ROW + name
        for name in (
            "receive_order_id", "shop_cut_form_id", "no", "goods_id", "goods_name", "goods_option", "quantity",
            "unit_price", "cancel_flag", "deleted_flag", "stock_allocation_quantity", "returned_good_quantity",
            "returned_bad_quantity", "returned_reason_name", "divide_from_row_no",
        )
    ),
    BASE + "include_from_order_id",
    BASE + "include_from_row_no",
)  # fmt: skip
