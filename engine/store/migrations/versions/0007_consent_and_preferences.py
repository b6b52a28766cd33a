"""Consent with its wording, proof and end; what people choose on the preference page; links that are followed"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0007"
down_revision = "0006"

String, UTC = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime

MINE = "(SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"
BOUND = "(SELECT current_setting('todoke.scope', true)) = 'merchant'"


def upgrade() -> None:
    op.add_column("consent", sa.Column("wording", String(), nullable=True))
    op.add_column("consent", sa.Column("expires_at", UTC(), nullable=True))
    op.add_column("consent", sa.Column("sealed_proof", sa.LargeBinary(), nullable=True))
    op.add_column("token", sa.Column("sealed_target", sa.LargeBinary(), nullable=True))
    op.add_column("token", sa.Column("clicked_at", UTC(), nullable=True))
    op.create_table(
        "preference",
        sa.Column("merchant_id", sa.BigInteger(), sa.ForeignKey("merchant.id"), nullable=False),
        sa.Column("person_index", String(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("changed_at", UTC(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "person_index"),
    )
    # Until now whatever was withdrawn counted for every medium, whichever it came by.
    op.execute("UPDATE consent SET channel = 'any' WHERE NOT granted")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE preference ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE preference FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON preference USING ({BOUND} AND merchant_id = {MINE})")


def downgrade() -> None:
    op.drop_table("preference")
    for table, columns in (("token", ("clicked_at", "sealed_target")),
                           ("consent", ("sealed_proof", "expires_at", "wording"))):  # fmt: skip
        with op.batch_alter_table(table) as changed:
            for column in columns:
                changed.drop_column(column)
