"""Turns of merchants and lanes of messages, accounts and volumes, alarms"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0003"
down_revision = "0002"

String, UTC = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

MINE = "(SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"
BOUND = "(SELECT current_setting('todoke.scope', true)) = 'merchant'"
INSTALLATION = "(SELECT current_setting('todoke.scope', true)) = 'installation'"
OPEN = "'planned', 'leased', 'sending'"

TURNS = (  # table, index, columns, rows
    ("message", "message_turn", ["lane", "merchant_id", "due_at", "id"], "status = 'planned'"),
    ("inbox", "inbox_turn", ["connection_id", "id"], "state = 'new'"),
    ("run", "run_turn", ["merchant_id", "wake_at"], "wake_at IS NOT NULL"),
)
TROUBLE = (  # what an operator is told of, the same way
    ("message", "message_trouble", ["status", "due_at", "merchant_id"], "status IN ('unknown', 'dead')"),
    ("inbox", "inbox_trouble", ["received_at", "connection_id"], "state IN ('parked', 'dead')"),
)


def upgrade() -> None:
    op.add_column("message", sa.Column("lane", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE message SET lane = 1 WHERE purpose IN ('service', 'promotional')")
    for table, index, columns, rows in (*TURNS, *TROUBLE):
        op.create_index(index, table, columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))
    op.create_index("attempt_recent", "attempt", ["armed_at"])
    _account()
    op.create_table(
        "volume",
        sa.Column("merchant_id", sa.BigInteger(), sa.ForeignKey("merchant.id"), nullable=False),
        sa.Column("journey", String(), nullable=False),
        sa.Column("hour", UTC(), nullable=False),
        sa.Column("armed", sa.Integer(), nullable=False),
        sa.Column("lifted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "journey", "hour"),
    )
    _alarm()
    if op.get_bind().dialect.name == "postgresql":
        _policies()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("connection_id", String(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("filled_at", UTC(), nullable=True),
        sa.Column("day", UTC(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("held_until", UTC(), nullable=True),
        sa.Column("held_for", String(), nullable=True),
        sa.Column("held_reason", String(), nullable=True),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("probing_until", UTC(), nullable=True),
        sa.Column("window_at", UTC(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
    )


def _alarm() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", String(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", String(), nullable=False),
        sa.Column("about", String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("opened_at", UTC(), nullable=False),
        sa.Column("seen_at", UTC(), nullable=False),
        sa.Column("closed_at", UTC(), nullable=True),
        sa.Column("told", String(), nullable=True),
        sa.Column("told_at", UTC(), nullable=True),
        sa.Column("tell_at", UTC(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    rows = sa.text("closed_at IS NULL")
    op.create_index("alarm_open", "alarm", ["kind", "about"], unique=True, sqlite_where=rows, postgresql_where=rows)
    rows = sa.text("tell_at IS NOT NULL")
    op.create_index("alarm_untold", "alarm", ["tell_at"], sqlite_where=rows, postgresql_where=rows)
    op.create_table(
        "watch",
        sa.Column("name", String(), nullable=False),
        sa.Column("at", UTC(), nullable=False),
        sa.Column("seen", UTC(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "rhythm",
        sa.Column("connection_id", String(), nullable=False),
        sa.Column("since", UTC(), nullable=False),
        sa.Column("last", UTC(), nullable=False),
        sa.Column("hours", String(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
    )


def _policies() -> None:
    for table in ("account", "volume", "alarm"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({BOUND} AND merchant_id = {MINE})")
        op.execute(f"CREATE POLICY installation_all ON {table} FOR ALL USING ({INSTALLATION})")
    _seen(f"{OPEN}, 'unknown', 'dead'")  # the last two are counted, and whose they are; what they are, its merchant reads
    # The operator's account serves every merchant: whoever sends through it says how it stands.
    op.execute(f"CREATE POLICY shared ON account FOR ALL USING ({BOUND} AND merchant_id IS NULL)")


def _seen(statuses: str) -> None:
    """Which messages the installation may read: one policy, since each is asked of every row."""
    op.execute("DROP POLICY installation_select ON message")
    op.execute(
        f"CREATE POLICY installation_select ON message FOR SELECT USING ({INSTALLATION} AND status IN ({statuses}))"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _seen(OPEN)
    for table in ("rhythm", "watch", "alarm", "volume", "account"):
        op.drop_table(table)
    op.drop_index("attempt_recent", table_name="attempt")
    for table, index, _, _ in (*TURNS, *TROUBLE):
        op.drop_index(index, table_name=table)
    with op.batch_alter_table("message") as message:
        message.drop_column("lane")
