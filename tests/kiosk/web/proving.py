"""The proof of a running store."""

from tests.kiosk.selling import assert_holds
from tests.kiosk.shopkit import Running


async def prove(running: Running) -> None:
    """Fails with the first thing that does not hold in the running store's books."""
    await running.store.database.read(assert_holds)
