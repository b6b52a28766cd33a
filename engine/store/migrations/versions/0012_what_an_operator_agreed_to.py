"""After a resume the volume fuse lets leave what the operator was shown, and then as many as its limit again"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("volume", sa.Column("agreed", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE volume SET agreed = armed WHERE lifted")
    with op.batch_alter_table("volume") as volume:
        volume.drop_column("lifted")


def downgrade() -> None:
    op.add_column("volume", sa.Column("lifted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE volume SET lifted = (agreed > 0)")
    with op.batch_alter_table("volume") as volume:
        volume.drop_column("agreed")
