"""Deliveries that wait until it is said whose a goods owner's are"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = "0005"

String = sqlmodel.sql.sqltypes.AutoString


def upgrade() -> None:
    op.create_table(
        "stray",
        sa.Column("connection_id", String(), sa.ForeignKey("connection.id"), nullable=False),
        sa.Column("owner", String(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "owner", "inbox_id"),
    )


def downgrade() -> None:
    op.drop_table("stray")
