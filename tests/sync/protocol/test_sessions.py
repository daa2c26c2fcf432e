"""One running service of a store has the floor; yesterday's requests open nothing, and a second copy is found out."""

import itertools
from uuid import UUID

import pytest
from msgspec.structs import replace

from loyalty.errors import Problem
from sync.chain import Head
from sync.protocol import sessions
from sync.protocol.messages import PROTOCOL, SessionOpen, message_of
from sync.protocol.sessions import (
    RUNS_MAX,
    Opened,
    Standing,
    TurnedAway,
    admit_push,
    open_session,
    release,
)
from tests.sync.protocol.places import STORE, UNSIGNED, Chain, push_of

FIRST, SECOND, THIRD = "1" * 32, "2" * 32, "3" * 32
HELD = [Head(7, 3, bytes(range(32)))]


def opening(run: str, count: int, fence: int, **changes: object) -> SessionOpen:
    made = SessionOpen(
        store=STORE,
        run=run,
        count=count,
        fence=fence,
        protocol_min=1,
        protocol_max=1,
        version="1.0",
        heads=(),
        sent_at=5,
        signature=UNSIGNED,
    )
    return replace(made, **changes)


def knock(standing: Standing, message: SessionOpen, session: str = "session-number-1") -> Opened | TurnedAway:
    return open_session(standing, message, session=session, timeline=3, held=HELD, now_ms=99, credits=40)


def opened(standing: Standing, run: str, count: int, fence: int | None = None) -> Standing:
    """The row after an opening that must be let in."""
    outcome = knock(standing, opening(run, count, standing.fence if fence is None else fence), f"{run}{count}")
    assert isinstance(outcome, Opened)
    return outcome.standing


def refusal(outcome: Opened | TurnedAway) -> str:
    assert isinstance(outcome, TurnedAway)
    return outcome.problem.code


def test_the_first_opening_of_a_new_store_is_let_in_and_told_what_is_held() -> None:
    outcome = knock(Standing(), opening(FIRST, 1, 0))
    assert isinstance(outcome, Opened)
    answer = outcome.answer
    assert (answer.session, answer.timeline, answer.hub_time, answer.credits) == ("session-number-1", 3, 99, 40)
    assert answer.heads == tuple(map(message_of, HELD))
    assert answer.fence == outcome.standing.fence > 0
    assert (outcome.standing.state, outcome.standing.run, outcome.standing.count) == ("active", FIRST, 1)


def test_a_service_that_has_just_started_is_told_the_fence_and_then_let_in() -> None:
    standing = opened(Standing(), FIRST, 1)
    outcome = knock(standing, opening(SECOND, 1, 0))
    assert isinstance(outcome, TurnedAway)
    assert (outcome.problem.code, outcome.problem.extra) == ("fenced", {"fence": standing.fence})
    assert outcome.standing == standing
    after = opened(standing, SECOND, 2)
    assert (after.run, after.retired) == (SECOND, (FIRST,))


def test_a_run_goes_on_from_session_to_session_without_being_retired() -> None:
    standing = Standing()
    for count in (1, 2, 5):
        standing = opened(standing, FIRST, count)
    assert (standing.run, standing.count, standing.retired) == (FIRST, 5, ())


def test_yesterdays_request_played_back_changes_nothing() -> None:
    before = Standing()
    message = opening(FIRST, 1, 0)
    standing = opened(before, FIRST, 1)
    for _ in range(3):
        outcome = knock(standing, message)
        assert refusal(outcome) == "fenced"
        assert outcome.standing == standing
    later = opened(opened(standing, SECOND, 1), THIRD, 1)
    outcome = knock(later, opening(SECOND, 1, standing.fence))
    assert (refusal(outcome), outcome.standing) == ("fenced", later)


def test_a_head_office_put_back_does_not_give_the_same_fences_again() -> None:
    backup = opened(Standing(), FIRST, 1)
    lost = opened(backup, FIRST, 2)
    again = knock(backup, opening(FIRST, 3, backup.fence), "another session")
    assert isinstance(again, Opened)
    assert again.standing.fence != lost.fence
    # And a store that remembers a fence of the lost time is told the present one, though it is lower.
    assert refusal(knock(backup, opening(FIRST, 4, lost.fence))) == "fenced"


class TestTwoCopies:
    def test_a_retired_run_that_is_alive_puts_both_in_quarantine(self) -> None:
        standing = opened(opened(Standing(), FIRST, 1), SECOND, 1)
        outcome = knock(standing, opening(FIRST, 9, standing.fence))
        assert isinstance(outcome, TurnedAway)
        assert (outcome.problem.code, outcome.rival) == ("quarantined", FIRST)
        assert outcome.standing == replace(standing, state="quarantined")
        for run in (FIRST, SECOND, THIRD):
            assert refusal(knock(outcome.standing, opening(run, 20, standing.fence))) == "quarantined"

    def test_of_a_running_machine_are_found_by_the_count_of_their_common_run(self) -> None:
        standing = opened(opened(Standing(), FIRST, 4), FIRST, 5)
        outcome = knock(standing, opening(FIRST, 5, standing.fence))
        assert isinstance(outcome, TurnedAway)
        assert (outcome.rival, outcome.standing.state) == (FIRST, "quarantined")

    def test_are_not_suspected_because_a_message_of_a_dead_run_comes_late(self) -> None:
        first = opened(Standing(), FIRST, 1)
        standing = opened(first, SECOND, 1)
        for fence in (0, first.fence):
            outcome = knock(standing, opening(FIRST, 2, fence))
            assert isinstance(outcome, TurnedAway)
            assert (outcome.problem.code, outcome.rival, outcome.standing) == ("fenced", None, standing)

    def test_are_released_by_naming_the_true_one(self) -> None:
        standing = opened(opened(Standing(), FIRST, 1), SECOND, 7)
        quarantined = knock(standing, opening(FIRST, 9, standing.fence)).standing
        freed = release(quarantined, FIRST)
        assert (freed.state, freed.run, freed.superseded) == ("active", FIRST, (SECOND,))
        assert refusal(knock(freed, opening(SECOND, 8, freed.fence))) == "superseded"
        assert knock(freed, opening(SECOND, 8, freed.fence)).standing == freed
        assert opened(freed, FIRST, 10).run == FIRST

    def test_of_a_running_machine_may_go_on_counting_where_the_true_one_is(self) -> None:
        standing = opened(Standing(), FIRST, 9)
        quarantined = knock(standing, opening(FIRST, 4, standing.fence)).standing
        assert quarantined.state == "quarantined"
        assert opened(release(quarantined, FIRST), FIRST, 5).count == 5

    def test_that_were_told_off_hear_so_in_the_next_quarantine_too(self) -> None:
        standing = opened(opened(Standing(), FIRST, 1), SECOND, 1)
        freed = release(knock(standing, opening(FIRST, 2, standing.fence)).standing, SECOND)
        again = opened(opened(freed, SECOND, 5), THIRD, 1)
        quarantined = knock(again, opening(SECOND, 9, again.fence)).standing
        assert quarantined.state == "quarantined"
        assert refusal(knock(quarantined, opening(FIRST, 3, 0))) == "superseded"
        assert release(quarantined, THIRD).superseded == (SECOND, FIRST)


def test_only_the_latest_runs_are_remembered() -> None:
    standing = Standing()
    for number in range(RUNS_MAX + 5):
        standing = opened(standing, f"{number:032x}", 1)
    assert len(standing.retired) == RUNS_MAX
    assert standing.retired[0] == f"{RUNS_MAX + 3:032x}"


def test_a_revoked_store_is_let_in_by_nothing() -> None:
    standing = replace(opened(Standing(), FIRST, 1), state="revoked")
    assert refusal(knock(standing, opening(FIRST, 2, standing.fence))) == "store_revoked"


@pytest.mark.parametrize(
    ("lowest", "highest", "is_let_in"),
    [(1, 1, True), (1, 9, True), (PROTOCOL + 1, PROTOCOL + 3, False)],
)
def test_both_sides_speak_the_highest_version_that_both_know(lowest: int, highest: int, is_let_in: bool) -> None:
    outcome = knock(Standing(), opening(FIRST, 1, 0, protocol_min=lowest, protocol_max=highest))
    assert isinstance(outcome, Opened) == is_let_in
    if isinstance(outcome, Opened):
        assert outcome.answer.protocol == PROTOCOL
    else:
        assert outcome.problem.code == "upgrade_required"


def test_a_store_and_a_head_office_of_other_releases_meet_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PROTOCOL_MIN", 2)
    monkeypatch.setattr(sessions, "PROTOCOL", 4)
    spoken = {}
    for lowest, highest in ((1, 1), (1, 2), (2, 3), (3, 9), (5, 9)):
        outcome = knock(Standing(), opening(FIRST, 1, 0, protocol_min=lowest, protocol_max=highest))
        spoken[lowest, highest] = outcome.answer.protocol if isinstance(outcome, Opened) else outcome.problem.code
    assert spoken == {(1, 1): "upgrade_required", (1, 2): 2, (2, 3): 3, (3, 9): 4, (5, 9): "upgrade_required"}


def test_fences_only_ever_rise() -> None:
    standing, fences = Standing(), [0]
    for count in range(1, 60):
        standing = opened(standing, FIRST, count)
        fences.append(standing.fence)
    assert all(before < after < before + 2**21 for before, after in itertools.pairwise(fences))


class TestPushes:
    STANDING = Standing(state="active", fence=44, run=FIRST, count=3, request=10)

    def admit(self, standing: Standing, request: int, timeline: int = 1, *, present: bool = True) -> Standing:
        push = replace(push_of(Chain(7, ["a"]), 1, 1), request=request, timeline=timeline)
        return admit_push(standing, push, is_present_session=present, timeline=1)

    def refused(self, standing: Standing, request: int = 11, timeline: int = 1, *, present: bool = True) -> Problem:
        with pytest.raises(Problem) as caught:
            self.admit(standing, request, timeline, present=present)
        return caught.value

    def test_count_upwards(self) -> None:
        standing = self.admit(self.STANDING, 11)
        assert standing == replace(self.STANDING, request=11)
        assert self.admit(standing, 500).request == 500

    @pytest.mark.parametrize("request_number", [1, 9, 10])
    def test_that_were_overtaken_are_not_looked_at(self, request_number: int) -> None:
        assert self.refused(self.STANDING, request_number).code == "stale_request"

    def test_of_another_session_are_fenced_off_and_told_the_fence(self) -> None:
        problem = self.refused(self.STANDING, present=False)
        assert (problem.code, problem.extra["fence"]) == ("fenced", 44)

    def test_of_another_timeline_are_sent_back(self) -> None:
        assert self.refused(self.STANDING, timeline=2).code == "wrong_timeline"

    @pytest.mark.parametrize(("state", "code"), [("revoked", "store_revoked"), ("quarantined", "quarantined")])
    def test_of_a_store_that_is_out_are_not_taken_even_in_its_session(self, state: str, code: str) -> None:
        assert self.refused(replace(self.STANDING, state=state)).code == code

    def test_begin_anew_with_each_session(self) -> None:
        standing = opened(replace(self.STANDING), FIRST, 4)
        assert self.admit(standing, 1).request == 1


def test_each_store_stands_for_itself() -> None:
    outcome = knock(Standing(), opening(FIRST, 1, 0, store=UUID(int=5)))
    assert isinstance(outcome, Opened)
