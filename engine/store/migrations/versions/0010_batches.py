"""How many messages left in one request with an attempt's own: it decides whether the attempt may be repeated"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("batch", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("attempt") as attempt:
        attempt.drop_column("batch")
