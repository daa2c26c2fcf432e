"""What a till remembers of the journal goes with every request: the shop's only witness when its disk is set back."""

import re

from tests.browser.conftest import OpenTill
from tests.browser.shop_service import MILK, ShopService, Till
from tests.browser.test_till import fill, pay_exactly

MARK = re.compile(r"[0-7][0-9a-f]{15}:[1-9][0-9]*:[0-9a-f]{64}")


def test_the_till_sends_the_newest_entry_it_has_seen(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    screen = open_till(till)
    seen: list[str] = []
    screen.page.on("request", lambda request: seen.append(request.headers.get("counterfoil-seen", "")))
    fill(screen, MILK)
    pay_exactly(screen)
    journal = shop.call("GET", "/v1/store", None, till.token)["journal"]
    newest = f"{journal['epoch']}:{journal['seq']}:{journal['hash']}"
    screen.page.wait_for_function("mark => localStorage['counterfoil.till.seen']?.includes(mark)", arg=journal["hash"])
    with screen.page.expect_request(lambda request: newest == request.headers.get("counterfoil-seen")):
        screen.scan(MILK)
    assert all(MARK.fullmatch(mark) for mark in seen if mark), seen
