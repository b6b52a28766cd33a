"""The database: schema, settings, tenants, and that nothing personal stands in it."""

from __future__ import annotations

import email
import email.policy
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from engine.model.merchant import MerchantSettings
from engine.store import facts, merchants, messages, people, reports, runs
from engine.store.migrate import HEAD, MIGRATIONS, ensure
from engine.store.sealed import KeysWrong, Vault, master_keys
from engine.store.session import Store, Unbound
from tests.flow.house import KEY, House
from tests.flow.orders import back, order, parcel, scan

OTHER = bytes(range(100, 132))


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "home")
    yield made
    made.close()


def story(house: House) -> None:
    """An order with all that a shop knows of a person, up to the return."""
    house.tell(order())
    house.work()
    house.tell(parcel())
    house.work()
    house.tell(scan(-1, "delivered"))
    house.work()
    house.later(hours=2)
    house.tell(back(60, requested_at=house.clock.now(), refunded_at=house.clock.now()))
    house.work()


class TestSchema:
    def test_migrations_give_the_tables_of_the_code(self, tmp_path):
        store = Store(f"sqlite:///{tmp_path / 'new.db'}", Vault([KEY]))
        ensure(store.engine)
        with store.engine.connect() as conn:
            assert compare_metadata(MigrationContext.configure(conn), SQLModel.metadata) == []
        store.close()

    def test_head_is_the_newest_migration(self):
        assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]

    def test_a_commit_survives_a_power_cut(self, house):
        with house.app.store.begin() as tx:
            found = {
                name: tx.conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


class TestTenants:
    def test_a_transaction_of_nobody_reaches_no_merchants_rows(self, house):
        story(house)
        with house.app.store.read() as tx:
            for ask in (
                lambda: facts.load(tx, [1]), lambda: messages.load(tx, [1]), lambda: reports.list_messages(tx),
                lambda: reports.why(tx, 1), lambda: runs.of(tx, [1]), lambda: people.suppressed(tx, ["x"]),
                lambda: reports.find_order(tx, "1001"), lambda: facts.numbered(tx, ["1001"]),
            ):  # fmt: skip
                with pytest.raises(Unbound):
                    ask()

    def test_a_merchant_reaches_no_others_rows(self, house):
        story(house)
        other = house.add_merchant("yuki", MerchantSettings())
        (mine, *_) = house.reports()
        with house.app.store.read(other.id) as tx:
            assert facts.load(tx, [mine.subject_id]) == {}
            assert facts.names_of(tx, [mine.subject_id]) == {}
            assert facts.numbered(tx, ["1001"]) == {}
            assert messages.load(tx, [mine.number]) == []
            assert reports.list_messages(tx) == []
            assert reports.message(tx, mine.id) is None
            assert reports.list_orders(tx) == []
            assert reports.why(tx, mine.subject_id) == []
            assert reports.events(tx, mine.subject_id) == []
            assert runs.of(tx, [mine.subject_id]) == {}

    def test_the_same_order_number_of_two_merchants_is_two_orders(self, house):
        other = house.add_merchant("yuki", MerchantSettings(from_email="shop@yuki.example"))
        house.connect("yuki-shop", "standard", merchant=other)
        house.connect("yuki-mail", "mailbox", role="channel", merchant=other)
        house.tell(order())
        house.tell(order(), connection="yuki-shop", merchant=other)
        house.work()
        assert [row.merchant_id for row in house.rows("SELECT merchant_id FROM subject ORDER BY id")] == [1, other.id]
        assert [row.status for row in house.rows("SELECT status FROM message")] == ["sent", "sent"]


# What a person would not like to find: as the shop wrote it, and as it would look inside JSON, mail or SQL.
CANARIES = ("naoko@example.com", "髙橋", "直子", "湯呑", "商品を発送しました", "ご注文が確定しました", "4000-1001")


def traces(canary: str) -> list[bytes]:
    escaped = canary.encode("unicode_escape")
    return [canary.encode(), canary.encode("utf-16-le"), escaped, canary.encode("cp932", "replace")]


class TestSealing:
    def test_nothing_personal_stands_in_the_file_or_in_the_log(self, house, capfd):
        story(house)
        assert len(house.mails()) == 4
        house.close()
        files = [path for path in house.home.iterdir() if path.name.startswith("todoke.db")]
        stored = b"".join(path.read_bytes() for path in files)
        said = "".join(capfd.readouterr()).encode()
        assert b"order_confirmed" in stored, "the canaries would be found here"
        for canary in CANARIES:
            for trace in traces(canary):
                assert trace not in stored, canary
                assert trace not in said, canary

    def test_the_mail_itself_can_be_read_by_those_who_may(self, house):
        story(house)
        (shipped,) = house.reports(journey="shipped")
        assert shipped.recipient == "naoko@example.com"
        with house.app.store.read(house.merchant.id) as tx:
            _, _, body = reports.message(tx, shipped.id)
        assert b"To: " in body

    def test_a_sealed_value_that_is_moved_does_not_open(self, house):
        house.tell(order())
        house.tell(order(number="#1002"))
        swap = "UPDATE subject SET sealed_state = (SELECT sealed_state FROM subject WHERE id = 1), wrapped_key ="
        with house.app.store.begin() as tx:
            tx.conn.exec_driver_sql(f"{swap} (SELECT wrapped_key FROM subject WHERE id = 1) WHERE id = 2")
        with house.app.store.read(house.merchant.id) as tx:
            assert facts.load(tx, [1])[1].state is not None
            with pytest.raises(KeysWrong):
                _ = facts.load(tx, [2])[2].state

    def test_a_new_master_key_reads_what_the_old_one_sealed(self, tmp_path):
        before = House(tmp_path)
        before.connect("hooks", "shopify", secrets={"secret": ("s1", "s2")})
        story(before)
        before.close()
        after = House(tmp_path, keys=(OTHER, KEY))
        assert [row.recipient for row in after.reports(journey="shipped")] == ["naoko@example.com"]
        after.tell(order(number="#1002"))
        after.work()
        with after.app.store.read() as tx:
            assert merchants.connection(tx, "hooks").secrets == {"secret": ("s1", "s2")}
        after.close()

    def test_without_the_old_key_it_says_what_to_do(self, tmp_path):
        before = House(tmp_path)
        before.tell(order())
        before.close()
        after = Store(f"sqlite:///{before.database}", Vault([OTHER]))
        with after.read(before.merchant.id) as tx, pytest.raises(KeysWrong, match="TODOKE_SECRET_KEYS"):
            _ = facts.load(tx, [1])[1].state
        after.close()

    def test_an_error_does_not_print_the_row(self, house):
        with house.app.store.begin(house.merchant.id) as tx, pytest.raises(IntegrityError) as failed:
            facts.name(tx, [("order:shop:naoko@example.com", 999)] * 2)
        assert "naoko" not in str(failed.value)
        assert "hidden" in str(failed.value)


def test_processes_that_start_at_once_seal_under_one_key(tmp_path):
    def first_start(home):
        ready.wait()
        return tuple(master_keys("", home))

    for n in range(50):
        ready = Barrier(8)
        with ThreadPoolExecutor(8) as several:
            found = set(several.map(first_start, [tmp_path / str(n)] * 8))
        assert len(found) == 1
        assert [path.name for path in (tmp_path / str(n)).iterdir()] == ["secret.keys"]
    assert stat.S_IMODE((tmp_path / "0" / "secret.keys").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "0").stat().st_mode) == 0o700


def test_tokens_are_kept_as_hashes_only(house):
    house.tell(order())
    house.work()
    (mail,) = house.mails()
    text = email.message_from_bytes(mail, policy=email.policy.default).get_body(("plain",)).get_content()
    (token,) = set(re.findall(r"/t/([a-z0-9]{32})", text))
    house.close()
    assert token.encode() not in b"".join(p.read_bytes() for p in house.home.glob("todoke.db*"))
