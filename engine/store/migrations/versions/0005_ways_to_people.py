"""Several ways to one person: addresses they have linked, media that were silent"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0005"
down_revision = "0004"

String, UTC = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime

MINE = "(SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"
BOUND = "(SELECT current_setting('todoke.scope', true)) = 'merchant'"
INSTALLATION = "(SELECT current_setting('todoke.scope', true)) = 'installation'"
SILENT = "silent_at IS NOT NULL"
LOOKED_AT = "'planned', 'leased', 'sending', 'unknown', 'dead'"


def upgrade() -> None:
    op.add_column("message", sa.Column("passed_over", String(), nullable=False, server_default=""))
    op.add_column("message", sa.Column("silent_at", UTC(), nullable=True))
    op.create_index(
        "message_silent", "message", ["silent_at"], sqlite_where=sa.text(SILENT), postgresql_where=sa.text(SILENT)
    )
    op.create_table(
        "endpoint",
        sa.Column("merchant_id", sa.BigInteger(), sa.ForeignKey("merchant.id"), nullable=False),
        sa.Column("medium", String(), nullable=False),
        sa.Column("address_index", String(), nullable=False),
        sa.Column("person_index", String(), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "medium", "address_index", "person_index"),
    )
    op.create_index("endpoint_person", "endpoint", ["merchant_id", "person_index"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE endpoint ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE endpoint FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON endpoint USING ({BOUND} AND merchant_id = {MINE})")
        _seen(f"(status IN ({LOOKED_AT}) OR {SILENT})")


def _seen(which: str) -> None:
    """Which messages the installation may read: those that move, that failed, whose silence may be over."""
    op.execute("DROP POLICY installation_select ON message")
    op.execute(f"CREATE POLICY installation_select ON message FOR SELECT USING ({INSTALLATION} AND {which})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _seen(f"status IN ({LOOKED_AT})")
    op.drop_table("endpoint")
    op.drop_index("message_silent", table_name="message")
    with op.batch_alter_table("message") as message:
        message.drop_column("silent_at")
        message.drop_column("passed_over")
