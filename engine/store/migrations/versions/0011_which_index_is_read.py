"""Which index a statement reads is no estimate's choice

Two indexes lie over the same rows that wait: each gets a condition of its own, by which statements choose it. What finds
an order begins with what it is found by, and the row policy of what belongs to orders no longer offers the merchant as a
way to find it: a plan from the time when a merchant had few orders read all of them for each.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INDEXES = {
    "inbox_waiting": ("inbox", ["id"], "state = 'new'", "verified_by >= ''"),
    "inbox_turn": ("inbox", ["connection_id", "id"], "state = 'new'", "connection_id >= ''"),
    "message_due": ("message", ["due_at", "id"], "status = 'planned'", "template >= ''"),
    "message_turn": ("message", ["lane", "merchant_id", "due_at", "id"], "status = 'planned'", "journey >= ''"),
    "errand_due": ("errand", ["due_at"], "due_at IS NOT NULL", "kind >= ''"),
    "errand_turn": ("errand", ["connection_id", "due_at"], "due_at IS NOT NULL", "ref >= ''"),
    "hook_call_due": ("hook_call", ["hook_id", "due_at"], "due_at IS NOT NULL", "type >= ''"),
    "hook_call_order": ("hook_call", ["hook_id", "subject_id", "id"], "due_at IS NOT NULL", "public_id >= ''"),
    "run_wakeup": ("run", ["wake_at"], "wake_at IS NOT NULL", "event_type >= ''"),
    "run_turn": ("run", ["merchant_id", "wake_at"], "wake_at IS NOT NULL", "journey >= ''"),
}


FOUND_BY = {
    "subject_number": (["merchant_id", "number"], ["number", "merchant_id"], None),
    "subject_person": (["merchant_id", "email_index"], ["email_index"], None),
    "subject_phone": (["merchant_id", "phone_index"], ["phone_index"], "phone_index IS NOT NULL"),
}
OF_ORDERS = ("alias", "event", "ledger", "observation", "subject")
OWN = """(SELECT current_setting('todoke.scope', true)) = 'merchant'
    AND {merchant} = (SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"""


def upgrade() -> None:
    for name, (table, columns, rows, mark) in INDEXES.items():
        _made_again(name, table, columns, f"{rows} AND {mark}")
    for name, (_before, columns, rows) in FOUND_BY.items():
        _made_again(name, "subject", columns, rows)
    _policies("merchant_id + 0")


def downgrade() -> None:
    for name, (table, columns, rows, _mark) in INDEXES.items():
        _made_again(name, table, columns, rows)
    for name, (columns, _after, rows) in FOUND_BY.items():
        _made_again(name, "subject", columns, rows)
    _policies("merchant_id")


def _made_again(name: str, table: str, columns: list[str], rows: str | None) -> None:
    where = None if rows is None else sa.text(rows)
    op.drop_index(name, table)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _policies(merchant: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in OF_ORDERS:
            op.execute(f"ALTER POLICY own ON {table} USING ({OWN.format(merchant=merchant)})")
