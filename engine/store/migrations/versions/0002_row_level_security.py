"""Row-level security on PostgreSQL

A transaction says whose it is by two settings that end with it (engine.store.session): `todoke.merchant`, a
merchant's id or empty, and `todoke.scope`, 'merchant' or 'installation'. Without them no row is seen. The
installation's own bookkeeping sees other merchants' rows only where it hands out work or finds out whose a
thing is; what it then does to them, it does bound to their merchant.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

MINE = "(SELECT nullif(current_setting('todoke.merchant', true), '')::bigint)"
BOUND = "(SELECT current_setting('todoke.scope', true)) = 'merchant'"
INSTALLATION = "(SELECT current_setting('todoke.scope', true)) = 'installation'"

MERCHANTS = (
    "accesskey",
    "alias",
    "attempt",
    "connection",
    "consent",
    "event",
    "inbox",
    "journeyswitch",
    "ledger",
    "message",
    "observation",
    "pause",
    "run",
    "subject",
    "suppression",
    "token",
)
SHARED = ("connection", "pause")  # rows of no merchant hold for every merchant, who may read them

OPEN = "status IN ('planned', 'leased', 'sending')"
ADMITTED = (  # to the installation: table, command, which rows
    ("accesskey", "ALL", "true"),
    ("connection", "ALL", "true"),
    ("inbox", "ALL", "true"),  # claims; a delivery may not say yet whose it is
    ("pause", "ALL", "true"),
    ("merchant", "SELECT", "true"),
    ("merchant", "INSERT", "true"),
    ("token", "SELECT", "true"),  # a link says whose it is only once it is found
    ("attempt", "SELECT", "true"),  # counted by connection and outcome
    ("message", "SELECT", OPEN),  # claims, backlog
    ("message", "UPDATE", OPEN),
    ("run", "SELECT", "wake_at IS NOT NULL"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in ("merchant", *MERCHANTS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in MERCHANTS:
        op.execute(f"CREATE POLICY own ON {table} USING ({BOUND} AND merchant_id = {MINE})")
    op.execute(f"CREATE POLICY own ON merchant FOR SELECT USING ({BOUND} AND id = {MINE})")
    op.execute(f"CREATE POLICY own_settings ON merchant FOR UPDATE USING ({BOUND} AND id = {MINE})")
    for table in SHARED:
        op.execute(f"CREATE POLICY shared ON {table} FOR SELECT USING ({BOUND} AND merchant_id IS NULL)")
    for table, command, rows in ADMITTED:
        given = f"WITH CHECK ({INSTALLATION})" if command == "INSERT" else f"USING ({INSTALLATION} AND {rows})"
        op.execute(f"CREATE POLICY installation_{command.lower()} ON {table} FOR {command} {given}")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, command, _ in ADMITTED:
        op.execute(f"DROP POLICY installation_{command.lower()} ON {table}")
    for table in SHARED:
        op.execute(f"DROP POLICY shared ON {table}")
    op.execute("DROP POLICY own_settings ON merchant")
    for table in ("merchant", *MERCHANTS):
        op.execute(f"DROP POLICY own ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
