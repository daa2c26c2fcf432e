"""A store proves its day to a real head office; what differs there is found, and the doctor says so."""

import datetime as dt
from pathlib import Path

from kiosk.life import link_notes
from kiosk.life.day_side import DaySide
from kiosk.life.link_checks import look_at_link
from sync.agent.day_prover import DayProver
from tests.kiosk.linked import joined_store, office, settled
from tests.kiosk.shopkit import Running, running_store


class Tomorrow(DaySide):
    """The store as it is when this business day is over."""

    def today(self) -> str:
        return (dt.date.fromisoformat(super().today()) + dt.timedelta(days=1)).isoformat()


async def prove(store: Running) -> None:
    """What the store does by night."""
    line = store.store.head_office
    assert line is not None
    side = Tomorrow(store.store.door)
    prover = DayProver(side, line._client, lambda: line.agent.session, store=line.agent._store)
    await prover.prove_what_is_over()


async def notes(store: Running) -> tuple[str | None, str | None]:
    """The newest day that was proved, and what differs."""
    return await store.store.database.read(
        lambda tx: (
            link_notes.read_note(tx, link_notes.PROVED_DAY),
            link_notes.read_note(tx, link_notes.DAY_DIFFERS),
        )
    )


async def test_a_day_is_proved_and_what_differs_is_named(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path / "S001")
        async with running_store(config) as store:
            await store.open_shift()
            for _ in range(3):
                assert (await store.sell()).status == 201
            await settled(hub, store)
            await prove(store)
            today = DaySide(store.store.door).today()
            assert await notes(store) == (today, None)

            (epoch, seq) = await store.store.database.read(
                lambda tx: tx.execute("SELECT epoch, max(seq) FROM journal GROUP BY epoch").fetchone()
            )
            await hub.hub.database.write(
                lambda tx: tx.execute(
                    "UPDATE inbox SET hash = ? WHERE epoch = ? AND seq >= ?", (b"x" * 32, epoch, seq - 1)
                )
            )
            await store.store.database.write(lambda tx: link_notes.note(tx, link_notes.PROVED_DAY, None))
            await prove(store)
            assert await notes(store) == (None, f"{today} chain {epoch:016x} {seq - 1}")
            differing = [check for check in look_at_link(config.data_dir()) if check.name == "days at head office"]
            assert [check.ok for check in differing] == [False]
