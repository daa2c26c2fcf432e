"""What a till remembers of the journal goes with every request: the shop's only witness when its disk is set back."""

import re

from tests.browser.conftest import OpenTill
from tests.browser.shop_service import MILK, ShopService, Till
from tests.browser.test_till import pay_exactly

MARK = re.compile(r"[0-7][0-9a-f]{15}:[1-9][0-9]*:[0-9a-f]{64}")


def test_the_till_sends_the_newest_entry_it_has_seen(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    screen = open_till(till)
    seen: list[str] = []
    screen.page.on("request", lambda request: seen.append(request.headers.get("counterfoil-seen", "")))
    screen.scan(MILK)
    pay_exactly(screen)
    journal = shop.call("GET", "/v1/store", None, till.token)["journal"]
    newest = f"{journal['epoch']}:{journal['seq']}:{journal['hash']}"
    screen.page.wait_for_function("mark => localStorage['counterfoil.till.seen']?.includes(mark)", arg=journal["hash"])
    screen.scan(MILK)
    screen.expect_count("#entry", 1)
    screen.page.wait_for_timeout(500)
    assert all(MARK.fullmatch(mark) for mark in seen if mark), seen
    assert newest in seen
