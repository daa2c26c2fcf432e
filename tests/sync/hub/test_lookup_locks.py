"""A store asks for a member who has no points yet: her account is locked for it, and nothing is left of the lock."""

from sync.hub.member_lookup import look_up
from sync.protocol.lookups import MemberLookup
from tests.sync.hub.hubkit import RunningHub
from tests.sync.hub.test_members import Bookkeeper, tell


async def test_whoever_is_looked_up_before_her_first_points_leaves_no_account(hub: RunningHub) -> None:
    shop = Bookkeeper(at_ms=hub.clock.now_ms - 60_000)
    ann = shop.id()
    shop.enrol(ann, "+48600100200")
    await tell(hub, shop)
    database, asked = hub.hub.database, MemberLookup(kind="phone", value="+48600100200")
    found = await database.write(lambda tx: look_up(tx, hub.new_id(), asked, hub.clock.now_ms))
    assert found.members == (ann,)
    assert await database.read(lambda tx: tx.execute("SELECT member FROM account").fetchall()) == []
