"""The parts of a universe by themselves: time, network, the command."""

import json
from functools import partial
from random import Random

import pytest
from click.testing import CliRunner

from kiosk.cli import main
from kiosk.simulate import simulation
from kiosk.simulate.feed import GLOBAL, Feed
from kiosk.simulate.network import GOOD, Manners, Network
from kiosk.simulate.planted import PLANTED
from kiosk.simulate.scheduler import Scheduler
from kiosk.simulate.simulation import run_universe
from kiosk.simulate.told import Told, flip_any, install

FIELDS = {
    *("universes", "first_seed", "breaches", "planted", "restores", "clones", "hub_restores", "power_cuts"),
    *("full_disks", "bit_flips", "reservations", "bundles", "snapshots"),
}


def test_time_goes_from_plan_to_plan_and_equal_times_keep_their_order() -> None:
    scheduler, done = Scheduler(), list[str]()
    for delay_ms, name in ((20, "c"), (10, "a"), (10, "b"), (-5, "now")):
        scheduler.after(delay_ms, name, partial(done.append, name))
    assert [scheduler.step() for _ in range(3)] == ["now", "a", "b"]
    assert (scheduler.now_ms, done) == (10, ["now", "a", "b"])
    assert scheduler.step(15) is None
    assert scheduler.now_ms == 15
    assert scheduler.step(20) == "c"
    assert scheduler.step() is None


def arrivals(manners: Manners, *, sent: int = 200, cut: bool = False) -> int:
    """How many of so many messages arrive, doubles included."""
    scheduler = Scheduler()
    network = Network(scheduler, Random(1), manners)
    network.cut["s1"] = cut
    arrived: list[int] = []
    for number in range(sent):
        network.send("s1", "message", partial(arrived.append, number))
    while scheduler.step() is not None:
        pass
    return len(arrived)


@pytest.mark.parametrize(
    ("manners", "least", "most"),
    [
        (GOOD, 200, 200),
        (Manners(loss=0.5), 70, 130),
        (Manners(doubling=0.5), 270, 330),
        (Manners(late=0.5), 270, 330),
        (Manners(replay=0.5), 270, 330),
    ],
)
def test_a_network_is_as_bad_as_its_manners(manners: Manners, least: int, most: int) -> None:
    assert least <= arrivals(manners) <= most
    assert arrivals(manners, cut=True) == 0


def test_what_is_under_way_when_a_line_fails_does_not_arrive() -> None:
    scheduler, arrived = Scheduler(), list[int]()
    network = Network(scheduler, Random(1), GOOD)
    network.send("s1", "message", lambda: arrived.append(1))
    network.cut["s1"] = True
    while scheduler.step() is not None:
        pass
    assert arrived == []


def test_a_backup_of_what_is_told_stays_as_it_was_whoever_goes_on() -> None:
    feed = Feed()
    feed.put(GLOBAL, "product", "1", b"1", 0)
    backup = feed.copy()
    feed.put(GLOBAL, "product", "1", b"2", 0)
    backup.put(GLOBAL, "product", "2", b"3", 0)
    assert [thing.value for thing in feed.bucket(GLOBAL).after(0, 9)] == ["2"]
    assert [thing.value for thing in backup.bucket(GLOBAL).after(0, 9)] == ["1", "3"]
    assert (feed.bucket(GLOBAL).last, backup.bucket(GLOBAL).last) == (2, 2)


def test_what_is_gone_is_told_until_it_is_collected_and_the_horizon_says_so() -> None:
    feed = Feed()
    feed.put(GLOBAL, "product", "1", b"1", 0)
    feed.put(GLOBAL, "product", "1", None, 5)
    feed.collect(5)
    assert [thing.value for thing in feed.bucket(GLOBAL).after(1, 9)] == [None]
    feed.collect(6)
    assert feed.bucket(GLOBAL).after(0, 9) == []
    assert (feed.bucket(GLOBAL).horizon, feed.bucket(GLOBAL).checksum) == (2, 0)


def test_a_flipped_bit_of_what_was_told_is_seen_by_adding_up_and_by_nothing_else() -> None:
    feed = Feed()
    feed.put(GLOBAL, "product", "1", b"1", 0)
    told = install(Told(), {GLOBAL: feed.bucket(GLOBAL)}, "cursor", 1)
    spoiled = flip_any(told, GLOBAL)
    assert (told.wrong(), spoiled.wrong()) == ((), (GLOBAL,))
    assert spoiled.sums == told.sums


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["simulate", *arguments])
    return done.exit_code, done.stdout


def test_the_command_prints_what_the_contract_names() -> None:
    code, printed = run("--universes", "3", "--seed", "9", "--json")
    report = json.loads(printed)
    assert code == 0
    assert report.keys() >= FIELDS
    assert (report["universes"], report["first_seed"], report["breaches"], report["planted"]) == (3, 9, [], {})


def test_a_trace_tells_the_story_of_a_seed() -> None:
    code, printed = run("--universes", "1", "--seed", "3", "--trace")
    assert code == 0
    assert printed.splitlines()[: len(run_universe(3, keep_trace=True).trace)] == list(
        run_universe(3, keep_trace=True).trace
    )


def test_a_breach_ends_with_1_and_says_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = PLANTED["no_ack_hash_check"].machines
    real = simulation.run_universe
    monkeypatch.setattr(simulation, "run_universe", lambda seed, *_, **more: real(seed, broken, **more))
    code, printed = run("--universes", "8")
    assert code == 1
    assert "BREACH  seed 1, step" in printed
    assert "counterfoil simulate --seed 1 --universes 1 --trace" in printed
    assert "BREACH   cursor" in printed


def test_a_planted_bug_that_escapes_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "is_found", lambda bug: bug is not PLANTED["gap_accepted"])
    code, printed = run("--universes", "1", "--planted")
    assert code == 1
    assert "ESCAPED  gap_accepted" in printed
    assert "found    delete_on_ack" in printed
