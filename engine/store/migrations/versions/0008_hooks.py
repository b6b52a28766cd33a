"""Endpoints that events are told at by webhook, and the events that are to be told"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"

String, UTC = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

MINE = "(SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"
BOUND = "(SELECT current_setting('todoke.scope', true)) = 'merchant'"
INSTALLATION = "(SELECT current_setting('todoke.scope', true)) = 'installation'"
TABLES = ("hook", "hook_call")
DUE = "due_at IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "hook",
        sa.Column("id", String(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), sa.ForeignKey("merchant.id"), nullable=True),
        sa.Column("url", String(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UTC(), nullable=False),
        sa.Column("disabled_at", UTC(), nullable=True),
        sa.Column("disabled_for", String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UTC(), nullable=True),
        sa.Column("rest_until", UTC(), nullable=True),
        sa.Column("ok_at", UTC(), nullable=True),
        sa.Column("reason", String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hook_merchant_id", "hook", ["merchant_id"])
    op.create_table(
        "hook_call",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("public_id", String(), nullable=False),
        sa.Column("hook_id", String(), sa.ForeignKey("hook.id"), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("type", String(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", UTC(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("status", String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("reason", String(), nullable=True),
        sa.Column("ended_at", UTC(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
    )
    op.create_index("hook_call_hook", "hook_call", ["hook_id", "id"])
    for name, columns in (
        ("hook_call_due", ["hook_id", "due_at"]), ("hook_call_order", ["hook_id", "subject_id", "id"]),
    ):  # fmt: skip
        op.create_index(name, "hook_call", columns, sqlite_where=sa.text(DUE), postgresql_where=sa.text(DUE))
    if op.get_bind().dialect.name == "postgresql":
        _policies()


def _policies() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({BOUND} AND merchant_id = {MINE})")
        op.execute(f"CREATE POLICY installation_all ON {table} FOR ALL USING ({INSTALLATION})")
    # The operator's endpoint hears of every merchant, whose transaction must know of it.
    op.execute(f"CREATE POLICY shared ON hook FOR SELECT USING ({BOUND} AND merchant_id IS NULL)")


def downgrade() -> None:
    op.drop_table("hook_call")
    op.drop_table("hook")
