"""The spool on real SQLite: what may follow what, and what never prints twice."""

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlite_utils.utils import sqlite3

from printers.errors import OutcomeUnknown, PaperOut, PrintJobConflict, PrintJobStale, PrintJobState, UnknownPrintJob
from printers.schema import INDEXES, LOCAL_TABLES
from printers.spool import (
    PrintState,
    delete_older_than,
    doubt_open_jobs,
    ends_in_doubt,
    forget_member,
    get,
    list_jobs,
    mark_canceled,
    mark_failed,
    mark_handed_over,
    mark_not_sent,
    mark_printed,
    mark_sending,
    mark_unknown,
    next_queued,
    recover_after_start,
    reprint,
    submit,
    take_next,
)
from printers.transactions import Tx

NOW = 1_795_000_000_000


def job_id(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def queue(
    tx: Tx, number: int, *, printer: str = "counter", now_ms: int = NOW, member: uuid.UUID | None = None
) -> uuid.UUID:
    submit(
        tx,
        job_id=job_id(number),
        printer=printer,
        kind="receipt",
        content=b"content %d" % number,
        now_ms=now_ms,
        reference=job_id(1000 + number),
        member=member,
    )
    return job_id(number)


MOVES: dict[str, Callable[[Tx, uuid.UUID], bool]] = {
    "sending": lambda tx, job: mark_sending(tx, job, NOW),
    "printed": lambda tx, job: mark_printed(tx, job, NOW),
    "handed_over": lambda tx, job: mark_handed_over(tx, job, NOW),
    "unknown": lambda tx, job: mark_unknown(tx, job, NOW, OutcomeUnknown()),
    "queued": lambda tx, job: mark_not_sent(tx, job, NOW, PaperOut()),
    "failed": lambda tx, job: mark_failed(tx, job, NOW, PaperOut()),
    "canceled": lambda tx, job: mark_canceled(tx, job, NOW),
}
ALLOWED = {
    "queued": {"failed", "canceled"},
    "preflight": {"sending", "queued", "failed", "canceled"},
    "sending": {"printed", "handed_over", "unknown", "queued"},
    "printed": set(),
    "handed_over": set(),
    "unknown": set(),
    "failed": set(),
    "canceled": set(),
}


@pytest.mark.parametrize(("state", "move"), list(itertools.product(ALLOWED, MOVES)))
def test_a_job_goes_only_where_its_state_allows(tx: Tx, state: str, move: str) -> None:
    job = queue(tx, 1)
    tx.execute("UPDATE print_job SET state = ?", (state,))
    allowed = move in ALLOWED[state]
    assert MOVES[move](tx, job) is allowed
    assert get(tx, job).state == (move if allowed else state)


def test_only_a_queued_job_can_be_taken(tx: Tx) -> None:
    queue(tx, 1)
    for state in set(ALLOWED) - {"queued"}:
        tx.execute("UPDATE print_job SET state = ?", (state,))
        assert take_next(tx, "counter", NOW) is None


def test_a_job_remembers_everything_it_was_queued_with(tx: Tx) -> None:
    member = uuid.uuid4()
    job = get(tx, queue(tx, 1, member=member))
    assert (job.id, job.printer, job.kind, job.reference, job.member) == (
        job_id(1),
        "counter",
        "receipt",
        job_id(1001),
        member,
    )
    assert (job.original, job.content, job.state, job.copy_number, job.attempts) == (None, b"content 1", "queued", 0, 0)
    assert (job.created_at, job.updated_at, job.problem) == (NOW, NOW, None)


def test_the_same_print_again_changes_nothing_even_when_it_is_printed(tx: Tx) -> None:
    queue(tx, 1)
    tx.execute("UPDATE print_job SET state = 'printed'")
    before = get(tx, job_id(1))
    queue(tx, 1, now_ms=NOW + 5)
    assert get(tx, job_id(1)) == before


def test_the_same_id_for_another_print_is_refused_and_changes_nothing(tx: Tx) -> None:
    queue(tx, 1)
    before = get(tx, job_id(1))
    with pytest.raises(PrintJobConflict):
        submit(tx, job_id=job_id(1), printer="counter", kind="receipt", content=b"other", now_ms=NOW)
    assert get(tx, job_id(1)) == before


def test_an_unknown_job_is_a_404(tx: Tx) -> None:
    for ask in (lambda: get(tx, job_id(9)), lambda: reprint(tx, job_id(9), job_id(10), NOW)):
        with pytest.raises(UnknownPrintJob) as caught:
            ask()
        assert caught.value.status == 404


def test_jobs_come_out_in_the_order_they_were_queued_each_printer_for_itself(tx: Tx) -> None:
    queue(tx, 3, now_ms=NOW)
    queue(tx, 1, now_ms=NOW + 1)
    queue(tx, 2, printer="kitchen", now_ms=NOW - 1)
    taken = [take_next(tx, "counter", NOW) for _ in range(3)]
    assert [job.id if job else None for job in taken] == [job_id(3), job_id(1), None]
    assert next_queued(tx, "kitchen") == get(tx, job_id(2))


def test_a_job_that_was_not_sent_goes_back_to_its_old_place_with_its_reason(tx: Tx) -> None:
    queue(tx, 1)
    queue(tx, 2, now_ms=NOW + 1)
    for attempt in (1, 2, 3):
        job = take_next(tx, "counter", NOW)
        assert job is not None
        assert (job.id, job.attempts) == (job_id(1), attempt)
        mark_not_sent(tx, job.id, NOW, PaperOut())
    assert get(tx, job_id(1)).problem == "paper_out: The printer has no paper."
    take_next(tx, "counter", NOW)
    mark_sending(tx, job_id(1), NOW)
    assert get(tx, job_id(1)).problem is None


@pytest.mark.parametrize(("before", "after"), [("sending", "unknown"), ("preflight", "queued")])
def test_a_start_calls_unknown_what_may_be_on_paper_and_queues_what_is_not(tx: Tx, before: str, after: str) -> None:
    queue(tx, 1)
    tx.execute("UPDATE print_job SET state = ?", (before,))
    assert recover_after_start(tx, NOW + 9) == (1 if before == "sending" else 0)
    assert get(tx, job_id(1)).state == after


@pytest.mark.parametrize("before", sorted(ALLOWED))
def test_in_an_older_copy_whatever_is_open_is_in_doubt_and_its_reprint_is_a_copy(tx: Tx, before: str) -> None:
    job = queue(tx, 1)
    tx.execute("UPDATE print_job SET state = ?", (before,))
    was_open = before in ("queued", "preflight", "sending")
    assert doubt_open_jobs(tx, NOW + 9) == int(was_open)
    assert get(tx, job).state == ("unknown" if was_open else before)
    if was_open:
        assert take_next(tx, "counter", NOW + 10) is None, "nothing comes out by itself"
        assert reprint(tx, job, job_id(2), NOW + 10).copy_number == 1


def test_a_start_leaves_every_other_state_alone(tx: Tx) -> None:
    queue(tx, 1)
    for state in set(ALLOWED) - {"sending", "preflight"}:
        tx.execute("UPDATE print_job SET state = ?", (state,))
        assert recover_after_start(tx, NOW) == 0
        assert get(tx, job_id(1)).state == state


@pytest.mark.parametrize(
    ("ends", "copies"),
    [
        (["printed", "printed", "printed"], [1, 2, 3]),
        (["unknown", "handed_over"], [1, 2]),
        (["failed", "printed"], [0, 1]),
        (["canceled", "canceled", "printed"], [0, 0, 1]),
        (["printed", "failed", "printed"], [1, 1, 2]),
    ],
)
def test_a_reprint_counts_every_paper_that_may_exist(tx: Tx, ends: list[str], copies: list[int]) -> None:
    job = queue(tx, 1)
    for number, (end, copy_number) in enumerate(zip(ends, copies, strict=True), 2):
        tx.execute("UPDATE print_job SET state = ? WHERE id = ?", (end, job.bytes))
        again = reprint(tx, job, job_id(number), NOW)
        assert (again.copy_number, again.original, again.content) == (copy_number, job_id(1), b"content 1")
        assert (again.state, again.reference) == ("queued", job_id(1001))
        job = again.id


def test_the_same_reprint_again_is_the_same_paper(tx: Tx) -> None:
    job = queue(tx, 1)
    tx.execute("UPDATE print_job SET state = 'printed'")
    first = reprint(tx, job, job_id(2), NOW)
    assert reprint(tx, job, job_id(2), NOW + 1) == first
    assert len(list_jobs(tx)) == 2


def test_a_reprint_goes_to_another_printer_where_one_is_named(tx: Tx) -> None:
    job = queue(tx, 1)
    tx.execute("UPDATE print_job SET state = 'unknown'")
    assert reprint(tx, job, job_id(2), NOW, printer="office").printer == "office"


@pytest.mark.parametrize("state", ["queued", "preflight", "sending"])
def test_a_paper_still_to_come_is_not_reprinted(tx: Tx, state: str) -> None:
    job = queue(tx, 1)
    tx.execute("UPDATE print_job SET state = ?", (state,))
    with pytest.raises(PrintJobState):
        reprint(tx, job, job_id(2), NOW)
    assert len(list_jobs(tx)) == 1


def test_two_presses_of_reprint_never_give_two_papers_of_one_number(tx: Tx) -> None:
    job = queue(tx, 1)
    tx.execute("UPDATE print_job SET state = 'printed'")
    copies = [reprint(tx, job, job_id(number), NOW).copy_number for number in (2, 3)]
    assert copies == [1, 2]


def test_the_id_of_another_print_is_no_id_for_a_reprint(tx: Tx) -> None:
    job = queue(tx, 1)
    other = queue(tx, 2)
    tx.execute("UPDATE print_job SET state = 'printed'")
    with pytest.raises(PrintJobConflict):
        reprint(tx, job, other, NOW)


@pytest.mark.parametrize(
    ("states", "doubt"),
    [
        ([], False),
        (["unknown"], True),
        (["unknown", "printed"], False),
        (["printed", "unknown"], True),
        (["unknown", "queued"], True),
    ],
)
def test_the_printer_is_in_doubt_after_a_paper_that_may_have_broken_off(tx: Tx, states: list[str], doubt: bool) -> None:
    for number, state in enumerate(states, 1):
        queue(tx, number, now_ms=NOW + number)
        tx.execute("UPDATE print_job SET state = ? WHERE id = ?", (state, job_id(number).bytes))
    assert ends_in_doubt(tx, "counter") is doubt
    assert ends_in_doubt(tx, "kitchen") is False


def test_old_finished_jobs_are_dropped_a_few_at_a_time_and_waiting_ones_never(tx: Tx) -> None:
    for number, state in enumerate(ALLOWED, 1):
        queue(tx, number, now_ms=NOW - 1000)
        tx.execute("UPDATE print_job SET state = ? WHERE id = ?", (state, job_id(number).bytes))
    queue(tx, 99)
    tx.execute("UPDATE print_job SET state = 'printed' WHERE id = ?", (job_id(99).bytes,))
    assert delete_older_than(tx, NOW, limit=3) == 3
    assert delete_older_than(tx, NOW) == 2
    assert {job.state for job in list_jobs(tx)} == {"queued", "preflight", "sending", "printed"}


def test_erasing_a_member_leaves_nothing_of_theirs_whatever_its_state(tx: Tx) -> None:
    member = uuid.uuid4()
    for number, state in enumerate(ALLOWED, 1):
        queue(tx, number, member=member)
        tx.execute("UPDATE print_job SET state = ? WHERE id = ?", (state, job_id(number).bytes))
    queue(tx, 98, member=uuid.uuid4())
    tx.execute("UPDATE print_job SET state = 'printed' WHERE id = ?", (job_id(1).bytes,))
    reprint(tx, job_id(1), job_id(99), NOW)
    assert forget_member(tx, member) == len(ALLOWED) + 1
    assert [job.id for job in list_jobs(tx)] == [job_id(98)]
    assert mark_printed(tx, job_id(3), NOW) is False


def test_a_list_is_newest_first_and_can_be_narrowed(tx: Tx) -> None:
    for number in (1, 2, 3):
        queue(tx, number, now_ms=NOW + number, printer="kitchen" if number == 2 else "counter")
    mark_canceled(tx, job_id(3), NOW, PrintJobStale())
    assert [job.id for job in list_jobs(tx)] == [job_id(3), job_id(2), job_id(1)]
    assert [job.id for job in list_jobs(tx, limit=1)] == [job_id(3)]
    assert [job.id for job in list_jobs(tx, printer="kitchen")] == [job_id(2)]
    assert [job.id for job in list_jobs(tx, state=PrintState.CANCELED)] == [job_id(3)]
    assert [job.id for job in list_jobs(tx, reference=job_id(1001))] == [job_id(1)]
    assert list_jobs(tx, printer="kitchen", state=PrintState.CANCELED) == []


@pytest.mark.parametrize(
    "sql",
    [
        """SELECT * FROM print_job WHERE state NOT IN ('printed', 'handed_over') AND printer = ? AND state = 'queued'
           ORDER BY created_at, id LIMIT 1""",
        "DELETE FROM print_job WHERE member = ?",
        "SELECT * FROM print_job WHERE reference = ?",
        "SELECT * FROM print_job WHERE 1 = 1 ORDER BY created_at DESC, id DESC LIMIT ?",
    ],
)
def test_no_question_reads_the_papers_of_ninety_days(tx: Tx, sql: str) -> None:
    plan = " ".join(row[3] for row in tx.execute("EXPLAIN QUERY PLAN " + sql, ("x",)))
    assert "USING INDEX print_job_" in plan
    assert "TEMP B-TREE" not in plan


def test_a_queued_print_lives_and_dies_with_the_sale_it_belongs_to(
    open_spool: Callable[[str], Tx], tmp_path: Path
) -> None:
    path = str(tmp_path / "spool.sqlite")
    tx = open_spool(path)
    tx.execute("BEGIN IMMEDIATE")
    queue(tx, 1)
    tx.execute("ROLLBACK")
    tx.execute("BEGIN IMMEDIATE")
    queue(tx, 2)
    tx.execute("COMMIT")
    assert [job.id for job in list_jobs(open_spool(path))] == [job_id(2)]


class SpoolLife(RuleBasedStateMachine):
    """Any order of queueing, printing, failing, starting anew and reprinting."""

    def __init__(self) -> None:
        super().__init__()
        self.tx = sqlite3.connect(":memory:", isolation_level=None)
        for name, ddl in LOCAL_TABLES.items():
            self.tx.execute(ddl)
            for index in INDEXES[name]:
                self.tx.execute(index)
        self.number = 0
        self.papers: list[tuple[uuid.UUID, int]] = []

    @rule()
    def submit_one(self) -> None:
        self.number += 1
        queue(self.tx, self.number, now_ms=NOW + self.number)

    @rule(end=st.sampled_from(["refused", "printed", "lost", "crash before", "crash after"]))
    def print_one(self, end: str) -> None:
        job = take_next(self.tx, "counter", NOW)
        if job is None:
            return
        if end == "refused":
            assert mark_not_sent(self.tx, job.id, NOW, PaperOut())
            return
        if end == "crash before":
            recover_after_start(self.tx, NOW)
            return
        assert mark_sending(self.tx, job.id, NOW)
        self.papers.append((job.original or job.id, job.copy_number))
        if end == "crash after":
            recover_after_start(self.tx, NOW)
        else:
            assert MOVES["printed" if end == "printed" else "unknown"](self.tx, job.id)

    @precondition(lambda self: self.number > 0)
    @rule(data=st.data())
    def reprint_one(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(list_jobs(self.tx)))
        self.number += 1
        if job.state in ("queued", "preflight", "sending"):
            with pytest.raises(PrintJobState):
                reprint(self.tx, job.id, job_id(self.number), NOW + self.number)
        else:
            reprint(self.tx, job.id, job_id(self.number), NOW + self.number)

    @precondition(lambda self: self.number > 0)
    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        mark_canceled(self.tx, data.draw(st.sampled_from(list_jobs(self.tx))).id, NOW)

    @invariant()
    def no_two_papers_carry_the_same_mark(self) -> None:
        assert len(self.papers) == len(set(self.papers))

    @invariant()
    def nothing_is_between_two_states(self) -> None:
        assert not [job for job in list_jobs(self.tx) if job.state in ("preflight", "sending")]

    def teardown(self) -> None:
        self.tx.close()


TestSpoolLife = SpoolLife.TestCase
TestSpoolLife.settings = settings(max_examples=60, stateful_step_count=25)


@given(st.permutations(range(1, 7)))
def test_the_order_of_printing_is_the_order_of_queueing(order: list[int]) -> None:
    tx = sqlite3.connect(":memory:", isolation_level=None)
    for ddl in (LOCAL_TABLES["print_job"], *INDEXES["print_job"]):
        tx.execute(ddl)
    for place, number in enumerate(order):
        queue(tx, number, now_ms=NOW + place)
    taken = [take_next(tx, "counter", NOW) for _ in order]
    tx.close()
    assert [job.id for job in taken if job] == [job_id(number) for number in order]
