"""What head office tells, written page by page: the newest state of each thing, and a sum that shows when it is not."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.life.feed_rows import add_up, find_wrong, keep_page, read_doubted, read_position
from kiosk.life.head_office import FeedReader
from kiosk.registry import list_statements
from sync.db import connect
from sync.hub.feed_store import FeedChange, put_many
from sync.protocol.feed import checksum_of, checksum_text
from sync.protocol.pull_store import ApplyPage, BucketSum, Put
from tests.kiosk.linked import joined_store, office
from tests.kiosk.shopkit import make_config, new_id, running_store


@contextlib.contextmanager
def empty() -> Iterator[Any]:
    connection = connect(":memory:")
    for statement in list_statements():
        connection.execute(statement)
    yield connection
    connection.close()


_DAMAGE = "UPDATE feed_row SET value = CAST('9' AS BLOB)"


def put(key: str, value: str | None, *, bucket: str = "global", generation: int = 0, entity: str = "thing") -> Put:
    raw = value.encode() if value is not None else None
    return Put(bucket=bucket, entity=entity, key=key, seq=1, generation=generation, value=raw)


def page(*puts: Put, told: dict[str, str] | None = None, generation: int = 0, **more: Any) -> ApplyPage:  # noqa: ANN401
    """A page of one bucket; `told` are the things that head office says are alive, for the checksum."""
    alive = [("thing", key, value) for key, value in (told or {}).items()]
    sums = (BucketSum("global", generation, checksum_text(checksum_of(alive))),) if told is not None else ()
    usual = {"dropped": (), "cursor": "c1", "generations": {"global": generation}}
    return ApplyPage(request=1, puts=puts, sums=sums, **{**usual, **more})


def things(connection: Any) -> dict[str, str]:  # noqa: ANN401
    rows = connection.execute("SELECT key, value FROM feed_row WHERE entity = 'thing'")
    return {key: value.decode() for key, value in rows}


def test_pages_leave_the_newest_state_and_their_cursor() -> None:
    with empty() as connection:
        assert read_position(connection) == (None, {})
        assert keep_page(connection, page(put("a", "1"), put("b", "2"))) == ()
        told = {"a": "3", "c": "é"}
        assert keep_page(connection, page(put("a", "3"), put("b", None), put("c", "é"), told=told, cursor="c2")) == ()
        assert things(connection) == told
        assert read_position(connection) == ("c2", {"global": 0})
        assert find_wrong(connection) == ()


def test_a_bucket_that_does_not_add_up_is_named_and_damage_is_found_later() -> None:
    with empty() as connection:
        assert keep_page(connection, page(put("a", "1"), told={"a": "2"})) == ("global",)
        assert keep_page(connection, page(put("a", "2"), told={"a": "2"})) == ()
        assert find_wrong(connection) == ()
        connection.execute("UPDATE feed_row SET value = CAST('9' AS BLOB)")
        assert find_wrong(connection) == ("global",)
        anew = page(put("a", "2", generation=1), told={"a": "2"}, generation=1)
        assert keep_page(connection, anew) == (), "what is told anew adds up, whatever the damaged row came to"


def test_a_doubt_outlives_the_service_until_the_bucket_adds_up_or_is_told_no_longer() -> None:
    with empty() as connection:
        keep_page(connection, page(put("a", "1"), told={"a": "2"}))
        assert read_doubted(connection) == ("global",)
        keep_page(connection, page(put("b", "1", bucket="zone"), generations={"zone": 0, "global": 0}))
        assert read_doubted(connection) == ("global",), "nothing was added up"
        keep_page(connection, page(put("a", "2"), told={"a": "2"}))
        assert read_doubted(connection) == ()
        keep_page(connection, page(put("a", "1"), told={"a": "2"}))
        keep_page(connection, page(dropped=("global",), generations={"zone": 0}))
        assert read_doubted(connection) == ()


def test_a_bucket_told_anew_keeps_the_old_until_the_sum_comes_and_drops_what_was_not_told_again() -> None:
    with empty() as connection:
        keep_page(connection, page(put("a", "1"), put("b", "1"), told={"a": "1", "b": "1"}))
        keep_page(connection, page(put("a", "2", generation=1), generation=1))
        assert things(connection) == {"a": "2", "b": "1"}, "half a list is worse than an old one"
        assert keep_page(connection, page(told={"a": "2"}, generation=1)) == ()
        assert things(connection) == {"a": "2"}
        assert find_wrong(connection) == ()


def test_a_bucket_that_is_told_no_longer_goes() -> None:
    with empty() as connection:
        keep_page(connection, page(put("a", "1", bucket="zone"), generations={"zone": 0, "global": 0}))
        keep_page(connection, page(dropped=("zone",)))
        assert things(connection) == {}
        assert read_position(connection)[1] == {"global": 0}


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("abcd"), st.none() | st.text(min_size=1, max_size=3).filter(lambda t: "\0" not in t)
            )
        ),
        max_size=6,
    )
)
def test_the_sum_kept_by_the_way_is_the_sum_of_the_rows(pages: list[list[tuple[str, str | None]]]) -> None:
    with empty() as connection:
        alive: dict[str, str] = {}
        for changes in pages:
            for key, value in changes:
                alive.pop(key, None)
                if value is not None:
                    alive[key] = value
            assert keep_page(connection, page(*(put(*each) for each in changes), told=alive)) == ()
            assert things(connection) == alive
            kept = connection.execute("SELECT checksum FROM feed_bucket").fetchone()[0]
            assert int(kept, 16) == add_up(connection, "global")


async def test_a_member_erased_elsewhere_is_erased_here_and_no_trace_stays(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as store:
        body = {
            "id": str(new_id()),
            "name": "Zuzanna Wyjątkowa",
            "phone": "600 777 888",
            "locale": "pl",
            "consents": [{"channel": "sms", "purpose": "offers", "granted": True}],
        }
        enrolled = await store.call("POST", "/v1/members", body)
        assert enrolled.status == 201, enrolled
        reader = FeedReader(store.store.door)
        profile = put(body["id"], '{"phone": "600777888"}', entity="member")
        erased = put(body["id"], "{}", entity="erased")
        nobody = put(str(new_id()), "{}", entity="erased")
        await reader.keep_page(page(profile))
        for _ in range(2):
            await reader.keep_page(page(erased, nobody))
        path = store.store.database.path
        gone = await store.store.database.read(
            lambda tx: tx.execute("SELECT status FROM member WHERE id = ?", (UUID(body["id"]).bytes,)).fetchone()
        )
        assert gone == ("erased",)
        for file in path.parent.glob("store.sqlite*"):
            assert b"600777888" not in file.read_bytes()
            assert "Wyjątkowa".encode() not in file.read_bytes()
        facts = await store.store.database.read(
            lambda tx: tx.execute("SELECT count(*) FROM journal WHERE kind = 'member.erased'").fetchone()
        )
        assert facts == (1,), "told twice, erased once"


async def test_a_read_only_store_takes_nothing_in(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as store:
        store.store.door.follow_finding("It is broken. Run: counterfoil verify")
        with pytest.raises(Exception, match="broken"):
            await FeedReader(store.store.door).keep_page(page(put("a", "1")))


async def test_what_head_office_tells_arrives_and_is_swept_when_it_does_not_add_up(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)

        async def tell(**values: str | None) -> None:
            changes = [FeedChange("global", "thing", key, v.encode() if v else None) for key, v in values.items()]
            await hub.hub.door.database.write(lambda tx: put_many(tx, changes, 1))

        async def has(told: dict[str, str]) -> None:
            async with asyncio.timeout(120):
                while await store.store.database.read(things) != told:  # noqa: ASYNC110  a task writes it
                    await asyncio.sleep(0.05)

        await tell(a='"1"', b='"2"')
        async with running_store(config) as store:
            await has({"a": '"1"', "b": '"2"'})
            await tell(a='"3"', b=None)
            await has({"a": '"3"'})
            assert await FeedReader(store.store.door).audit() == ()
            # A row that was damaged is found with the next page of its bucket, which is then told anew.
            await store.store.database.write(lambda tx: tx.execute(_DAMAGE))
            assert await FeedReader(store.store.door).audit() == ("global",)
        await tell(c='"4"')
        async with running_store(config) as store:
            assert store.store.head_office is not None
            store.store.head_office.puller.doubt(("global",))
            await has({"a": '"3"', "c": '"4"'})
