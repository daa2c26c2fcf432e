"""A store's bucket is made whole while its own entries are being applied by another process."""

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest

from loyalty.transactions import Cursor, Tx
from sync.chain import epoch_text
from sync.hub.applier import apply_next
from sync.hub.store_members import complete_members
from tests.sync.hub.appliers.office import STORE, Office, Shop

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_PATIENCE_S = 60


class Interrupted:
    """A transaction in whose middle another one begins, and gets as far as it can, before the statement that says how
    far the store's entries are counted."""

    def __init__(self, tx: Tx, office: Office, loop: asyncio.AbstractEventLoop, epoch: int) -> None:
        self._tx, self._office, self._loop, self._epoch = tx, office, loop, epoch
        self.other: Any = None

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:  # noqa: ANN401  whatever is bound
        if sql.startswith("SELECT store, epoch, applied_seq") and self.other is None:
            office, epoch = self._office, self._epoch
            applies = office.storage.write(lambda tx: apply_next(tx, STORE, epoch, office.now_ms))
            self.other = asyncio.run_coroutine_threadsafe(applies, self._loop)
            until = time.monotonic() + _PATIENCE_S
            while not self.other.done() and not self._tx.execute(_WAITING).fetchall()[0][0]:
                assert time.monotonic() < until
                time.sleep(0.005)
        return self._tx.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> Cursor:  # noqa: ANN401  whatever is bound
        return self._tx.executemany(sql, parameters)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_is_told_of_an_account_and_how_far_it_goes_are_of_one_moment(office: Office) -> None:
    shop, anna = Shop(), UUID(int=0x5000)
    shop.enrol(anna)
    shop.sell(anna, earn=10)
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    shop.sell(anna, earn=5)
    office.take_in(STORE, shop.journal)

    async def complete() -> None:
        loop = asyncio.get_running_loop()
        others: list[Any] = []

        def job(tx: Tx) -> None:
            interrupted = Interrupted(tx, office, loop, shop.epoch)
            complete_members(interrupted, STORE, b"", 100, office.now_ms, 400)
            others.append(interrupted.other)

        await office.storage.write(job)
        await asyncio.wrap_future(others[0])

    office.run(complete())
    told = office.feed(STORE)["account", str(anna)]
    through = told["through"][epoch_text(shop.epoch)]
    assert (told["account"][0], through) in {(10, 3), (15, 4)}
    assert office.rows("account", "active") == [(15,)], "the other one has come to its end"
