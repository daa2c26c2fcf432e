"""pure: the real machines that a universe runs on, as a table, so that a planted bug can stand in for one of them.

The simulator plays some parts itself: a shop's disk and till, the applier of head office in memory. `Flaws` are the
planted bugs of those parts.
"""

from collections.abc import Callable

from msgspec import Struct

from sync import bundle_values
from sync.hub import consents
from sync.protocol import lives, pull_hub, pull_store, push_hub, push_state, push_store, sessions, snapshots
from sync.protocol.messages import PullAnswer, PushAnswer


class Flaws(Struct, frozen=True, kw_only=True):
    """What the parts played by the simulator do wrong. All False: nothing."""

    deletes_what_is_acknowledged: bool = False
    pushes_the_open_epoch_only: bool = False
    gives_new_ids_when_it_logs_again: bool = False
    keeps_leases_in_a_new_life: bool = False
    goes_on_in_the_epoch_of_a_backup: bool = False
    answers_before_it_is_on_disk: bool = False
    frees_the_floor_on_arrival: bool = False
    applies_an_operation_again: bool = False
    answers_before_it_has_stored: bool = False
    takes_leases_back_by_the_clock: bool = False
    lends_at_once_after_a_restore: bool = False
    hears_of_leases_before_it_has_the_entries: bool = False
    takes_leases_of_an_earlier_timeline: bool = False
    lends_what_is_lent: bool = False
    takes_what_is_not_signed: bool = False
    keeps_what_is_kept: bool = False
    keeps_at_once_after_a_restore: bool = False
    gives_reservations_back_by_the_clock: bool = False
    uses_what_it_gave_back: bool = False
    ignores_what_came_back_elsewhere: bool = False
    takes_coupons_on_trust: bool = False
    pays_by_card_without_a_line: bool = False
    begins_bundles_on_arrival: bool = False
    adds_nothing_up: bool = False
    keeps_the_cursor_of_a_page_it_has_not: bool = False
    books_half_when_full: bool = False
    installs_any_snapshot: bool = False
    forgets_its_doubts: bool = False


class Machines(Struct, frozen=True, kw_only=True):
    """The functions of sync.protocol and of head office's rules, each under its own name."""

    begin: Callable[..., push_state.StorePush] = push_state.begin
    step: Callable[..., tuple[push_state.StorePush, tuple[push_state.Effect, ...]]] = push_store.step
    places_of: Callable[..., tuple[tuple[int, int], ...]] = push_state.places_of
    decide_life: Callable[..., lives.Continue | lives.NewLife] = lives.decide_life
    open_session: Callable[..., sessions.Opened | sessions.TurnedAway] = sessions.open_session
    admit_push: Callable[..., sessions.Standing] = sessions.admit_push
    prove_batch: Callable[..., push_hub.Batch] = push_hub.prove_batch
    places_wanted: Callable[..., tuple[int, ...]] = push_hub.places_wanted
    receive: Callable[..., push_hub.Received] = push_hub.receive
    answer_of: Callable[..., PushAnswer] = push_hub.answer_of
    plan_pull: Callable[..., pull_hub.Plan] = pull_hub.plan_pull
    build_page: Callable[..., PullAnswer] = pull_hub.build_page
    pull_step: Callable[..., tuple[pull_store.StorePull, tuple[pull_store.Effect, ...]]] = pull_store.step
    refuse_past: Callable[..., None] = snapshots.refuse_past
    standing: Callable[..., list[consents.Word]] = consents.standing
    next_version: Callable[[int, int], int] = bundle_values.next_version
    flaws: Flaws = Flaws()


REAL = Machines()
