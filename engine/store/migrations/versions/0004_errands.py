"""Errands: what is asked of the systems behind connections; credentials that run out; statuses nobody has mapped"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0004"
down_revision = "0003"

String, UTC = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime

MINE = "(SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"
BOUND = "(SELECT current_setting('todoke.scope', true)) = 'merchant'"
INSTALLATION = "(SELECT current_setting('todoke.scope', true)) = 'installation'"
TABLES = ("errand", "unmapped")

INDEXES = (  # index, columns, rows, unique
    ("errand_asking", ["connection_id"], "lease_until IS NOT NULL", True),
    ("errand_due", ["due_at"], "due_at IS NOT NULL", False),
    ("errand_turn", ["connection_id", "due_at"], "due_at IS NOT NULL", False),
)


def upgrade() -> None:
    op.add_column("connection", sa.Column("until", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("connection", sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("connection", sa.Column("refused_at", UTC(), nullable=True))
    _errand()
    op.create_table(
        "unmapped",
        sa.Column("connection_id", String(), sa.ForeignKey("connection.id"), nullable=False),
        sa.Column("status", String(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("scan", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", UTC(), nullable=False),
        sa.Column("last_at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "status"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _policies()


def _errand() -> None:
    op.create_table(
        "errand",
        sa.Column("connection_id", String(), sa.ForeignKey("connection.id"), nullable=False),
        sa.Column("kind", String(), nullable=False),
        sa.Column("ref", String(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("due_at", UTC(), nullable=True),
        sa.Column("lease_until", UTC(), nullable=True),
        sa.Column("holder", String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("latest_at", UTC(), nullable=False),
        sa.Column("since", UTC(), nullable=False),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("held_for", String(), nullable=True),
        sa.Column("why", String(), nullable=True),
        sa.Column("reason", String(), nullable=True),
        sa.Column("failing_since", UTC(), nullable=True),
        sa.Column("ok_at", UTC(), nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("connection_id", "kind", "ref"),
    )
    for index, columns, rows, unique in INDEXES:
        where = sa.text(rows)
        op.create_index(index, "errand", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _policies() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({BOUND} AND merchant_id = {MINE})")
        op.execute(f"CREATE POLICY installation_all ON {table} FOR ALL USING ({INSTALLATION})")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    with op.batch_alter_table("connection") as connection:
        for column in ("refused_at", "refused", "until"):
            connection.drop_column(column)
