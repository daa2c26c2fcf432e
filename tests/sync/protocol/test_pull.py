"""A store reads every bucket to its newest state, over pages, losses and restored head offices, or knows it did not.

`Office` keeps buckets as head office does (a thing that changes moves to the newest number); `Reader` keeps the store's
rows and does what the effects say.
"""

import random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import Problem
from sync.protocol import pull_hub
from sync.protocol.feed import (
    Bundle,
    active_bundle,
    changed_checksum,
    checksum_of,
    checksum_text,
)
from sync.protocol.messages import PullAnswer
from sync.protocol.pull_hub import (
    PAGE_BYTES,
    PAGE_ITEMS,
    Position,
    PullCursor,
    build_page,
    is_news,
    plan_pull,
    read_cursor,
    write_cursor,
)
from sync.protocol.pull_store import (
    QUIET_MS,
    Alarm,
    Answered,
    Applied,
    ApplyPage,
    Audited,
    Effect,
    Event,
    EverythingRead,
    Lost,
    Pull,
    Refused,
    SessionIsOver,
    SessionReady,
    Sleep,
    StorePull,
    Tick,
    step,
)

SECRET = b"secret of head office" * 2
GLOBAL, MINE = "global", "store:1"


class Row(NamedTuple):
    entity: str
    key: str
    seq: int
    value: str | None


class Bucket:
    def __init__(self, name: str) -> None:
        self.bucket = name
        self.last = 0
        self.horizon = 0
        self.rows: dict[tuple[str, str], Row] = {}

    @property
    def checksum(self) -> int:
        return checksum_of((row.entity, row.key, row.value) for row in self.rows.values() if row.value is not None)

    def put(self, key: str, value: str | None, entity: str = "thing") -> None:
        self.last += 1
        self.rows[entity, key] = Row(entity, key, self.last, value)

    def collect(self) -> None:
        gone = [row for row in self.rows.values() if row.value is None]
        for row in gone:
            del self.rows[row.entity, row.key]
            self.horizon = max(self.horizon, row.seq)

    def alive(self) -> dict[tuple[str, str], str]:
        return {name: row.value for name, row in self.rows.items() if row.value is not None}

    def copy(self) -> "Bucket":
        made = Bucket(self.bucket)
        made.last, made.horizon, made.rows = self.last, self.horizon, dict(self.rows)
        return made


class Office:
    def __init__(self) -> None:
        self.timeline = 1
        self.buckets = {name: Bucket(name) for name in (GLOBAL, MINE)}
        self.applied: dict[str, int] = {}

    def answer(self, cursor: str | None, refetch: tuple[str, ...]) -> PullAnswer:
        plan = plan_pull(read_cursor(cursor, SECRET), refetch, self.timeline, list(self.buckets.values()))
        rows = {}
        for read in plan.reads:
            behind = [row for row in self.buckets[read.bucket].rows.values() if row.seq > read.after]
            rows[read.bucket] = sorted(behind, key=lambda row: row.seq)[: pull_hub.PAGE_ITEMS + 1]
        return msgspec.structs.replace(build_page(plan, rows, SECRET), applied=self.applied)

    def copy(self) -> "Office":
        made = Office()
        made.timeline, made.applied = self.timeline, dict(self.applied)
        made.buckets = {name: bucket.copy() for name, bucket in self.buckets.items()}
        return made


class Reader:
    """The store: its rows with their generations, and the machine."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.now = 50_000
        self.rows: dict[tuple[str, str, str], tuple[int, str]] = {}
        self.state = StorePull(seed=3)
        self.pages: list[ApplyPage] = []
        self.alarms: list[str] = []

    def tell(self, event: Event) -> list[Effect]:
        self.state, effects = step(self.state, event, self.now)
        self.alarms += [effect.code for effect in effects if isinstance(effect, Alarm)]
        return list(effects)

    def run(self, event: Event, limit: int = 200) -> list[Effect]:
        """Do everything that follows on a good line, until the store waits."""
        done: list[Effect] = []
        waiting = [event]
        while waiting:
            assert len(done) < limit, done[-5:]
            for effect in self.tell(waiting.pop(0)):
                done.append(effect)
                if isinstance(effect, Pull):
                    waiting.append(self.ask(effect))
                elif isinstance(effect, ApplyPage):
                    waiting.append(Applied(self.apply(effect)))
        return done

    def ask(self, effect: Pull) -> Event:
        try:
            told = msgspec.json.encode(self.office.answer(effect.cursor, effect.refetch))
            return Answered(effect.request, msgspec.json.decode(told, type=PullAnswer))
        except Problem as problem:
            return Refused(effect.request, problem.code)

    def apply(self, page: ApplyPage) -> tuple[str, ...]:
        """One transaction; the buckets that do not add up."""
        self.pages.append(page)
        for put in page.puts:
            name = (put.bucket, put.entity, put.key)
            self.rows.pop(name, None)
            if put.value is not None:
                self.rows[name] = (put.generation, put.value.decode())
        for each in page.sums:
            for name, (generation, _) in list(self.rows.items()):
                if name[0] == each.bucket and generation < each.generation:
                    del self.rows[name]
        self.rows = {name: row for name, row in self.rows.items() if name[0] not in page.dropped}
        return tuple(each.bucket for each in page.sums if checksum_text(self.sum(each.bucket)) != each.checksum)

    def sum(self, bucket: str) -> int:
        return checksum_of((name[1], name[2], row[1]) for name, row in self.rows.items() if name[0] == bucket)

    def has(self, bucket: str) -> dict[tuple[str, str], str]:
        return {(name[1], name[2]): row[1] for name, row in self.rows.items() if name[0] == bucket}

    def catch_up(self) -> None:
        """Read on until a page brings nothing new, letting time go by."""
        for _ in range(60):
            self.now = max(self.now + 1, self.state.not_before_ms)
            self.run(Tick())

    def assert_equal(self) -> None:
        for name, bucket in self.office.buckets.items():
            assert self.has(name) == bucket.alive()


@pytest.fixture
def reader() -> Reader:
    made = Reader(Office())
    for number in range(3):
        made.office.buckets[GLOBAL].put(f"g{number}", f'"{number}"')
    made.office.buckets[MINE].put("m", '{"a":1}')
    made.run(SessionReady("s"))
    made.assert_equal()
    return made


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_hub, "PAGE_ITEMS", 4)


def only(effects: list[Effect], kind: type[Effect]) -> Effect:
    [found] = [effect for effect in effects if isinstance(effect, kind)]
    return found


def test_a_store_that_begins_is_told_every_bucket(reader: Reader) -> None:
    assert reader.pages[0].cursor == reader.state.cursor
    assert reader.state.generations == {GLOBAL: 1, MINE: 1}
    assert reader.alarms == []


def test_only_what_changed_is_told_and_only_in_its_newest_state(reader: Reader) -> None:
    for number in range(5):
        reader.office.buckets[GLOBAL].put("g1", f'"new {number}"')
    reader.office.buckets[GLOBAL].put("g2", None)
    reader.catch_up()
    assert [(put.key, put.value) for put in reader.pages[-1].puts] == [("g1", b'"new 4"'), ("g2", None)]
    reader.assert_equal()


def test_a_page_is_written_with_its_cursor_and_not_kept_where_it_was_not_written(reader: Reader) -> None:
    before = reader.state.cursor
    reader.office.buckets[GLOBAL].put("g9", '"9"')
    reader.now += QUIET_MS
    pull = only(reader.tell(Tick()), Pull)
    assert isinstance(pull, Pull)
    page = only(reader.tell(reader.ask(pull)), ApplyPage)
    assert isinstance(page, ApplyPage)
    assert reader.state.cursor == before
    sleep = only(reader.tell(Lost(page.request)), Sleep)
    assert isinstance(sleep, Sleep)
    reader.now = sleep.until_ms
    again = only(reader.tell(Tick()), Pull)
    assert isinstance(again, Pull)
    assert again.cursor == before
    reader.run(reader.ask(again))
    reader.assert_equal()


def test_where_nothing_happens_nothing_is_written_and_nobody_is_asked_at_once(reader: Reader) -> None:
    written = len(reader.pages)
    for _ in range(5):
        asked = reader.now = reader.state.not_before_ms
        effects = reader.run(Tick())
        assert effects[-1] == Sleep(asked + QUIET_MS)
    assert len(reader.pages) == written


@pytest.mark.usefixtures("small_pages")
def test_a_bucket_of_many_pages_comes_whole(reader: Reader) -> None:
    for number in range(23):
        reader.office.buckets[GLOBAL].put(f"p{number}", f'"{number}"')
    reader.now += QUIET_MS
    reader.run(Tick())
    reader.assert_equal()
    sizes = [len(page.puts) for page in reader.pages[1:]]
    assert sum(sizes) == 23
    assert max(sizes) == 4
    assert [bool(page.sums) for page in reader.pages[1:]].count(True) >= 1
    assert all(GLOBAL not in [each.bucket for each in page.sums] for page in reader.pages[1:-1])


def test_a_page_ends_with_the_thing_that_makes_it_too_large() -> None:
    office = Office()
    for number in range(5):
        office.buckets[GLOBAL].put(f"k{number}", '"' + "x" * (PAGE_BYTES // 2) + '"')
    answer = office.answer(None, ())
    assert (len(answer.items), answer.more) == (2, True)
    reader = Reader(office)
    reader.run(SessionReady("s"))
    reader.assert_equal()


def test_a_full_page_and_one_more(reader: Reader) -> None:
    bucket = reader.office.buckets[MINE]
    for count in (PAGE_ITEMS, PAGE_ITEMS + 1):
        for number in range(count):
            bucket.put(f"x{number}", f'"{count}"')
        reader.catch_up()
        reader.assert_equal()


class TestToldAnew:
    def gone_stale(self, reader: Reader) -> None:
        """Something is in the store that head office has not, and will never tell of."""
        reader.rows[GLOBAL, "thing", "ghost"] = (reader.state.generations[GLOBAL], '"boo"')

    def test_after_head_office_was_put_back_everything_is_told_and_what_was_not_is_gone(self, reader: Reader) -> None:
        backup = reader.office.copy()
        reader.office.buckets[GLOBAL].put("after the backup", '"x"')
        reader.catch_up()
        reader.office = backup
        reader.office.timeline = 2
        reader.office.buckets[GLOBAL].put("new time", '"y"')
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 2, MINE: 2}

    def test_a_head_office_that_forgot_to_count_is_found_by_its_head(self, reader: Reader) -> None:
        backup = reader.office.copy()
        reader.office.buckets[GLOBAL].put("after the backup", '"x"')
        reader.catch_up()
        reader.office = backup
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 2, MINE: 1}

    def test_one_that_forgot_and_went_on_is_found_by_its_sums(self, reader: Reader) -> None:
        backup = reader.office.copy()
        reader.office.buckets[GLOBAL].put("after the backup", '"x"')
        reader.catch_up()
        reader.office = backup
        reader.office.buckets[GLOBAL].put("other", '"y"')
        reader.office.buckets[GLOBAL].put("and more", '"y"')
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 2, MINE: 1}
        assert (reader.state.refetch, reader.state.doubted) == ((), ())

    def test_whoever_slept_through_the_end_of_a_tombstone(self, reader: Reader) -> None:
        reader.office.buckets[GLOBAL].put("g0", None)
        reader.office.buckets[GLOBAL].collect()
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 2, MINE: 1}

    def test_but_not_whoever_had_heard_of_it(self, reader: Reader) -> None:
        reader.office.buckets[GLOBAL].put("g0", None)
        reader.catch_up()
        reader.office.buckets[GLOBAL].collect()
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 1, MINE: 1}

    @pytest.mark.usefixtures("small_pages")
    def test_a_long_reading_is_not_begun_again_for_tombstones_that_were_old_when_it_began(self, reader: Reader) -> None:
        bucket = reader.office.buckets[GLOBAL]
        for number in range(30):
            bucket.put(f"p{number}", f'"{number}"')
        bucket.put("g0", None)
        bucket.collect()
        late = Reader(reader.office)
        late.run(SessionReady("s"))
        late.assert_equal()
        assert late.state.generations == {GLOBAL: 1, MINE: 1}

    @pytest.mark.usefixtures("small_pages")
    def test_but_for_one_that_was_collected_behind_its_back_it_is(self, reader: Reader) -> None:
        bucket = reader.office.buckets[GLOBAL]
        for number in range(30):
            bucket.put(f"p{number}", f'"{number}"')
        late = Reader(reader.office)
        pull = only(late.tell(SessionReady("s")), Pull)
        assert isinstance(pull, Pull)
        page = only(late.tell(late.ask(pull)), ApplyPage)
        assert isinstance(page, ApplyPage)
        told = page.puts[0].key
        late.apply(page)
        bucket.put(told, None)
        bucket.collect()
        late.run(Applied())
        late.assert_equal()
        assert late.state.generations[GLOBAL] == 2

    @pytest.mark.usefixtures("small_pages")
    def test_what_was_there_stays_until_the_last_page_is(self, reader: Reader) -> None:
        for number in range(9):
            reader.office.buckets[GLOBAL].put(f"p{number}", f'"{number}"')
        reader.catch_up()
        before = reader.has(GLOBAL)
        reader.tell(Audited((GLOBAL,)))
        reader.now = reader.state.not_before_ms
        effects = reader.tell(Tick())
        while True:
            pull = only(effects, Pull)
            assert isinstance(pull, Pull)
            page = only(reader.tell(reader.ask(pull)), ApplyPage)
            assert isinstance(page, ApplyPage)
            wrong = reader.apply(page)
            assert reader.has(GLOBAL) == before
            effects = reader.tell(Applied(wrong))
            if [each for each in page.sums if each.bucket == GLOBAL]:
                break

    def test_a_bucket_that_does_not_add_up_and_no_other(self, reader: Reader) -> None:
        self.gone_stale(reader)
        reader.office.buckets[GLOBAL].put("g1", '"news"')
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 2, MINE: 1}
        assert reader.alarms == []

    @pytest.mark.usefixtures("small_pages")
    def test_a_last_page_of_nothing_but_old_tombstones_ends_the_telling(self, reader: Reader) -> None:
        for key in ("gone 1", "gone 2"):
            reader.office.buckets[GLOBAL].put("g3", '"3"')
            reader.office.buckets[GLOBAL].put(key, None)
        reader.catch_up()
        self.gone_stale(reader)
        reader.run(Audited((GLOBAL,)))
        reader.catch_up()
        assert reader.pages[-1].puts == ()
        reader.assert_equal()

    def test_what_an_audit_finds_although_nothing_changed(self, reader: Reader) -> None:
        self.gone_stale(reader)
        reader.catch_up()
        with pytest.raises(AssertionError):
            reader.assert_equal()
        reader.run(Audited((GLOBAL,)))
        reader.catch_up()
        reader.assert_equal()
        assert (reader.state.refetch, reader.state.doubted) == ((), ())

    def test_is_asked_for_anew_until_a_page_of_it_was_written(self, reader: Reader) -> None:
        self.gone_stale(reader)
        reader.now = reader.state.not_before_ms
        pull = only(reader.tell(Audited((GLOBAL,))), Pull)
        assert isinstance(pull, Pull)
        page = only(reader.tell(reader.ask(pull)), ApplyPage)
        assert isinstance(page, ApplyPage)
        reader.tell(Lost(page.request))  # the disk was full
        reader.catch_up()
        reader.assert_equal()
        assert reader.state.generations == {GLOBAL: 2, MINE: 1}
        assert (reader.state.refetch, reader.state.doubted) == ((), ())

    def test_a_bucket_that_never_adds_up_is_an_alarm_and_not_asked_for_without_end(self, reader: Reader) -> None:
        bucket = reader.office.buckets[GLOBAL]
        bucket.put("twice", '"x"')
        broken = type("Broken", (Bucket,), {"checksum": property(lambda _: 1)})(GLOBAL)
        broken.last, broken.rows = bucket.last, bucket.rows
        reader.office.buckets[GLOBAL] = broken
        reader.now += QUIET_MS
        effects = reader.run(Tick())
        assert reader.alarms == ["feed_does_not_add_up"]
        assert isinstance(effects[-1], Sleep)
        waits = []
        for _ in range(12):
            reader.now = reader.state.not_before_ms
            began = reader.now
            reader.run(Tick())
            waits.append(reader.state.not_before_ms - began)
        assert reader.alarms == ["feed_does_not_add_up"]
        assert max(waits) > 10_000

    def test_a_bucket_that_a_store_is_told_no_longer_is_dropped(self, reader: Reader) -> None:
        del reader.office.buckets[MINE]
        reader.office.buckets[GLOBAL].put("g1", '"news"')
        reader.catch_up()
        reader.assert_equal()
        assert reader.has(MINE) == {}


class TestHowFarItsOwnEntriesAreCounted:
    def told(self, effects: list[Effect]) -> list[dict[str, int]]:
        return [effect.applied for effect in effects if isinstance(effect, EverythingRead)]

    @pytest.mark.usefixtures("small_pages")
    def test_a_store_may_rely_on_once_everything_told_is_written(self, reader: Reader) -> None:
        for number in range(10):
            reader.office.buckets[GLOBAL].put(f"p{number}", f'"{number}"')
        reader.office.applied = {"e": 7}
        reader.now += QUIET_MS
        effects = reader.run(Tick())
        written = [index for index, effect in enumerate(effects) if isinstance(effect, ApplyPage)]
        assert len(written) == 3
        assert self.told(effects[: written[-1] + 1]) == []
        assert self.told(effects) == [{"e": 7}, {"e": 7}]  # with the last page, and with the answer that brings none

    def test_is_said_although_nothing_else_is_new(self, reader: Reader) -> None:
        reader.office.applied = {"e": 8}
        reader.now = reader.state.not_before_ms
        assert self.told(reader.run(Tick())) == [{"e": 8}]

    def test_is_not_relied_on_while_a_bucket_does_not_add_up(self, reader: Reader) -> None:
        reader.rows[GLOBAL, "thing", "ghost"] = (reader.state.generations[GLOBAL], '"boo"')
        reader.office.buckets[GLOBAL].put("g1", '"news"')
        reader.now = reader.state.not_before_ms
        effects = reader.run(Tick())
        written = [index for index, effect in enumerate(effects) if isinstance(effect, ApplyPage)]
        assert len(written) == 2
        assert self.told(effects[: written[1] + 1]) == []
        assert self.told(effects)


HOLDS = {
    "in the middle": (Position(5, 2), 9, 3, True),
    "at the head": (Position(9, 2), 9, 9, True),
    "at the head, with its sum": (Position(9, 2, "0" * 16), 9, 9, True),
    "at the head of another history": (Position(9, 2, "f" * 16), 9, 9, False),
    "behind the head, where another sum stood": (Position(5, 2, "f" * 16), 9, 3, True),
    "at the very horizon": (Position(5, 0), 9, 5, True),
    "before the horizon": (Position(4, 0), 9, 5, False),
    "before the horizon, but it began behind it": (Position(4, 5), 9, 5, True),
    "beyond the head": (Position(10, 2), 9, 3, False),
    "begun beyond the head": (Position(4, 10), 9, 3, False),
    "none": (None, 9, 3, False),
}


@pytest.mark.parametrize("case", HOLDS)
def test_a_cursor_holds_as_long_as_nothing_can_have_been_missed(case: str) -> None:
    position, last, horizon, holds = HOLDS[case]
    bucket = Bucket(GLOBAL)
    bucket.last, bucket.horizon = last, horizon
    asked = PullCursor(3, {GLOBAL: position} if position else {})
    [read] = plan_pull(asked, (), 3, [bucket]).reads
    assert read.anew != holds
    assert read.after == (position.seq if position and holds else 0)
    assert read.base == (position.base if position and holds else last)
    assert plan_pull(asked, (), 4, [bucket]).reads[0].anew
    assert plan_pull(asked, (GLOBAL,), 3, [bucket]).reads[0].anew
    assert plan_pull(None, (), 3, [bucket]).reads[0].anew


class TestTheLine:
    def pull(self, reader: Reader) -> Pull:
        reader.now = max(reader.now, reader.state.not_before_ms)
        found = only(reader.tell(Tick()), Pull)
        assert isinstance(found, Pull)
        return found

    def test_an_answer_to_another_request_is_dropped(self, reader: Reader) -> None:
        pull = self.pull(reader)
        answer = reader.office.answer(None, ())
        before = reader.state
        assert reader.tell(Answered(pull.request - 1, answer)) == []
        assert reader.tell(Refused(pull.request - 1, "fenced")) == []
        assert reader.tell(Lost(pull.request - 1)) == []
        assert reader.tell(Applied()) == []
        assert reader.state == before

    def test_losses_are_waited_out_longer_and_longer(self, reader: Reader) -> None:
        waits = []
        for _ in range(12):
            pull = self.pull(reader)
            sleep = only(reader.tell(Lost(pull.request)), Sleep)
            assert isinstance(sleep, Sleep)
            waits.append(sleep.until_ms - reader.now)
        assert waits[0] <= 1_000
        assert max(waits) > 30_000
        assert len({wait * 100 // 300_000 for wait in waits[9:]}) > 1  # chance, not the clock, says when

    @pytest.mark.parametrize("code", ["fenced", "wrong_timeline", "unauthorized", "quarantined"])
    def test_a_session_that_is_over_is_the_business_of_the_push(self, reader: Reader, code: str) -> None:
        pull = self.pull(reader)
        assert reader.tell(Refused(pull.request, code, fence=8)) == [SessionIsOver("s", 8)]
        assert reader.tell(Tick()) == []
        again = only(reader.tell(SessionReady("t")), Pull)
        assert isinstance(again, Pull)
        assert (again.session, again.cursor) == ("t", reader.state.cursor)

    def test_a_busy_head_office_is_left_alone_as_long_as_it_says(self, reader: Reader) -> None:
        pull = self.pull(reader)
        [sleep] = reader.tell(Refused(pull.request, "too_many_requests", retry_after_ms=9_000))
        assert isinstance(sleep, Sleep)
        assert 9_000 < sleep.until_ms - reader.now <= 10_000

    def test_a_cursor_that_is_not_understood_is_thrown_away(self, reader: Reader) -> None:
        reader.state = msgspec.structs.replace(reader.state, cursor="abc.def")
        reader.catch_up()
        reader.assert_equal()
        assert reader.alarms == []

    def test_an_unknown_refusal_is_said_once(self, reader: Reader) -> None:
        for _ in range(3):
            pull = self.pull(reader)
            reader.tell(Refused(pull.request, "internal_error"))
        assert reader.alarms == ["internal_error"]


class TestCursors:
    CURSOR = PullCursor(3, {GLOBAL: Position(7, 2), MINE: Position(0, 0)})

    def test_come_back_as_they_were_made(self) -> None:
        text = write_cursor(self.CURSOR, SECRET)
        assert read_cursor(text, SECRET) == self.CURSOR
        assert text.isascii()
        assert read_cursor(None, SECRET) is None
        assert read_cursor("", SECRET) is None

    @pytest.mark.parametrize("position", range(0, 90, 7))
    def test_that_were_changed_in_any_place_are_not_taken(self, position: int) -> None:
        text = write_cursor(self.CURSOR, SECRET)
        letter = "A" if text[position] != "A" else "B"
        with pytest.raises(Problem) as caught:
            read_cursor(text[:position] + letter + text[position + 1 :], SECRET)
        assert caught.value.code == "broken_cursor"

    @pytest.mark.parametrize("text", [".", "a.b", "a", "é.é", "a.b.c", "..", "x" * 9_000])
    def test_that_are_none_are_not_taken(self, text: str) -> None:
        with pytest.raises(Problem) as caught:
            read_cursor(text, SECRET)
        assert caught.value.code == "broken_cursor"

    def test_of_another_head_office_are_not_taken(self) -> None:
        with pytest.raises(Problem):
            read_cursor(write_cursor(self.CURSOR, b"another secret"), SECRET)


def test_a_request_with_nothing_to_tell_may_wait(reader: Reader) -> None:
    assert not is_news(reader.office.answer(reader.state.cursor, ()))
    assert is_news(reader.office.answer(reader.state.cursor, (GLOBAL,)))
    reader.office.buckets[MINE].put("m", None)
    assert is_news(reader.office.answer(reader.state.cursor, ()))


@given(seed=st.integers(0, 10_000))
def test_whatever_happens_the_store_ends_with_what_head_office_has(seed: int) -> None:
    chance = random.Random(seed)
    original, pull_hub.PAGE_ITEMS = pull_hub.PAGE_ITEMS, 3
    try:
        office = Office()
        reader = Reader(office)
        reader.tell(SessionReady("s"))
        backups = [office.copy()]
        for _ in range(60):
            bucket = chance.choice(list(reader.office.buckets.values()))
            act = chance.randrange(12)
            if act < 5:
                key, value = f"k{chance.randrange(8)}", chance.choice([None, '"a"', '"b"', '"c"'])
                bucket.put(key, value)
            elif act < 8:
                reader.now += 2_000
                pulls = [each for each in reader.tell(Tick()) if isinstance(each, Pull)]
                for pull in pulls:
                    reader.run(reader.ask(pull) if chance.random() < 0.8 else Lost(pull.request))
            elif act == 8:
                bucket.collect()
            elif act == 9:
                backups.append(reader.office.copy())
            elif act == 10 and reader.rows and chance.random() < 0.5:
                del reader.rows[chance.choice(sorted(reader.rows))]
            elif act == 11 and chance.random() < 0.3:
                timeline = reader.office.timeline
                reader.office = chance.choice(backups).copy()
                reader.office.timeline = timeline + chance.randrange(2)
        for bucket in reader.office.buckets.values():
            bucket.put("end", '"x"')
        if reader.state.in_flight is not None:
            reader.tell(Lost(reader.state.in_flight))
        reader.catch_up()
        reader.assert_equal()
        assert (reader.state.refetch, reader.alarms) == ((), [])
    finally:
        pull_hub.PAGE_ITEMS = original


class TestChecksums:
    def test_do_not_depend_on_the_order(self) -> None:
        rows = [("a", "b", "1"), ("a", "c", "2"), ("d", "b", "1")]
        assert checksum_of(rows) == checksum_of(reversed(rows))
        assert checksum_of([]) == 0

    def test_tell_entity_key_and_value_apart(self) -> None:
        rows = [("ab", "c", "d"), ("a", "bc", "d"), ("a", "b", "cd"), ("a", "b", "c")]
        assert len({checksum_of([row]) for row in rows}) == len(rows)

    def test_are_those_of_the_page(self) -> None:
        # SHA-256("product" NUL "sku" NUL "{}"), its first eight bytes: fixed for ever, both sides have to agree.
        assert checksum_text(checksum_of([("product", "sku", "{}")])) == "2dc2a67ef855a451"

    @given(
        st.lists(
            st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.none() | st.sampled_from("123")), max_size=20
        )
    )
    def test_follow_every_change(self, changes: list[tuple[str, str, str | None]]) -> None:
        alive: dict[tuple[str, str], str] = {}
        checksum = 0
        for entity, key, value in changes:
            checksum = changed_checksum(checksum, entity, key, alive.pop((entity, key), None), value)
            if value is not None:
                alive[entity, key] = value
        assert checksum == checksum_of((*name, value) for name, value in alive.items())


class TestBundles:
    PARTS = (("prices:4", "sku1", "100"), ("prices:4", "sku2", "200"))
    BUNDLE = Bundle(name="prices", version=4, active_at=1_000, count=2, checksum=checksum_text(checksum_of(PARTS)))

    def test_are_complete_only_with_every_part_as_it_was_meant(self) -> None:
        bundle = self.BUNDLE
        assert bundle.part_entity == "prices:4"
        assert bundle.is_complete(2, checksum_of(self.PARTS))
        assert not bundle.is_complete(1, checksum_of(self.PARTS[:1]))
        assert not bundle.is_complete(2, checksum_of([self.PARTS[0], ("prices:4", "sku2", "201")]))
        assert not bundle.is_complete(3, checksum_of(self.PARTS))

    @pytest.mark.parametrize(("now_ms", "version"), [(999, None), (1_000, 4), (1_999, 4), (2_000, 6), (9_999, 6)])
    def test_begin_to_count_at_their_instant(self, now_ms: int, version: int | None) -> None:
        def at(number: int, active_at: int) -> Bundle:
            return msgspec.structs.replace(self.BUNDLE, version=number, active_at=active_at)

        bundles = [at(6, 2_000), at(4, 1_000), at(5, 2_000), at(3, 1_000)]
        active = active_bundle(bundles, now_ms)
        assert (active.version if active else None) == version
