"""What is on the papers of selling: rendered from the print job as the printer will get it, in every language."""

from pathlib import Path

import pytest

from kiosk.commands import Discount, LineRequest
from kiosk.documents import tax_marks
from kiosk.shifts.shift_service import print_shift
from printers.render import render
from tests.kiosk.selling import Till, open_till, product
from tests.kiosk.shopkit import add_products, new_id, perform

COINS = {"cash_rounding_step_minor": 5}
NAMES = {"en": "Crème brûlée", "ko": "바나나 우유 240 ml", "ja": "牛乳 特選 1000 ml", "pl": "Żółć gęśla jaźń"}


def papers(till: Till) -> list[str]:
    """All papers so far, oldest first, as text; runs of blanks made one."""
    rows = till.rows("SELECT content FROM print_job ORDER BY created_at, id")
    texts = [render(content, "epson-80mm", "txt").decode() for (content,) in rows]
    return ["\n".join(" ".join(line.split()) for line in text.splitlines()) for text in texts]


def test_a_rate_has_its_letter_by_size_and_not_by_spelling() -> None:
    assert tax_marks(["8", "23", "5.25", "0", "5.5", "23", "10"]) == {
        "23": "A",
        "10": "B",
        "8": "C",
        "5.5": "D",
        "5.25": "E",
        "0": "F",
    }


@pytest.mark.parametrize("locale", ["en", "ko", "ja", "pl"])
def test_every_paper_prints_in_every_language(tmp_path: Path, locale: str) -> None:
    store: dict[str, object] = {"locale": locale, "name": NAMES[locale], "footer_lines": [NAMES[locale]]}
    with open_till(tmp_path, store=store, tender=COINS) as till:
        named = product("x", 259, name=NAMES[locale])
        perform(till.connection, lambda tx, shop, _: add_products(tx, shop, named), till.shop, till.who)
        anna = till.enrol(locale=locale)
        off = LineRequest(sku="x", quantity_milli=2000, discount=Discount("percent", 10, NAMES[locale]))
        weighed = LineRequest(sku="104", quantity_milli=355)
        paid = [("card", 500), ("cash", 1000)]
        sold = till.sell(off, weighed, "100", member=anna, tenders=paid, receipt="paper")
        till.take_back(sold, [(2, 355)], [("card", 500), ("cash", 205)], receipt="paper")
        till.exchange([(sold, 1, 1000)], "100", refunds=[("cash", 105)], receipt="paper")
        till.void(till.sell("x", receipt="paper"))
        texts = papers(till)
        assert len(texts) == 5
        for text in texts:
            assert "?" not in text
            assert "�" not in text
        sale, returned, exchange, _, void = (text.replace(",", ".").replace("€", "") for text in texts)
        for amount in ("5.18", "−0.52", "13.53", "−0.01", "13.00", "5.00", "10.00", "2.00", "+13"):
            assert amount in sale, amount
        for amount in ("−7.06", "0.01", "−7.05", "−5.00", "−2.05", "−7"):
            assert amount in returned, amount
        for amount in ("1.29", "−2.33", "−0.01", "1.28", "−1.05"):
            assert amount in exchange, amount
        for amount in ("−2.59", "−0.48", "−0.01", "−2.60"):
            assert amount in void, amount
        assert NAMES[locale] in texts[0].replace("\n", " ")


class TestReceiptOfASale:
    """Line by line what the shopper reads."""

    def test_it_is_in_the_members_language_with_an_offer_or_without(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            for member in (till.enrol(locale="pl"), till.enrol(locale="en"), None):
                till.sell("101", member=member, receipt="paper")
            titles = [text.splitlines()[2].rpartition(" ")[0] for text in papers(till)]
            assert titles == ["Potwierdzenie sprzedaży", "Receipt", "Receipt"]

    def test_it_adds_up_before_the_shoppers_eyes(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tender=COINS) as till:
            off = LineRequest(sku="101", quantity_milli=2000, discount=Discount("percent", 10, "dented"))
            weighed = LineRequest(sku="104", quantity_milli=355)
            till.sell(off, weighed, tenders=[("card", 500), ("cash", 1000)], member=till.enrol(), receipt="paper")
            [text] = papers(till)
            assert [line for line in text.splitlines() if line][2:-1] == [
                "2026-11-21 16:00 Till T01",
                "Served by ana",
                "-" * 48,
                "Chocolate 100 g 5.18 A",
                "2 × 2.59",
                "dented −0.52",
                "Cheese 7.06 B",
                "0.355 kg × 19.90",
                "-" * 48,
                "Subtotal 12.24",
                "Discounts −0.52",
                "Rounding −0.02",
                "TOTAL €11.70",
                "Card 5.00",
                "Cash 10.00",
                "Change 3.30",
                "-" * 48,
                "Rate Net Tax Gross",
                "A 23% 3.79 0.87 4.66",
                "B 5% 6.72 0.34 7.06",
                "Prices include tax",
                "-" * 48,
                "Points earned +11",
                "Points balance 11",
                "-" * 48,
                "[S001-T01-000001]",
                "S001-T01-000001",
            ]

    def test_tax_on_top_is_shown_as_such(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tax={"mode": "added"}) as till:
            sold = till.sell("101", "100", tenders=[("cash", 500)], receipt="paper")
            till.take_back(sold, [(1, 1000)], [("cash", 319)], receipt="paper")
            sale, back = papers(till)
            for line in ("Net 3.88", "Tax 23% 0.60 A", "Tax 5% 0.06 B", "TOTAL €4.54", "A 23% 2.59 0.60 3.19"):
                assert line in sale
            for line in ("Chocolate 100 g −2.59 A", "Tax 23% −0.60 A", "REFUND −€3.19", "A 23% −2.59 −0.60 −3.19"):
                assert line in back
            assert "Rounding" not in back

    def test_points_that_are_owed_are_shown_below_nothing(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            sold = till.sell("104", member=anna, receipt="paper")
            till.adjust(anna, -19)
            till.take_back(sold, [(1, 1000)], [("cash", 1990)], receipt="paper")
            till.sell("101", member=anna, receipt="paper")
            _, back, sale = papers(till)
            assert "Points earned −19\nPoints balance −19" in back
            assert "Points earned +2\nPoints balance −17" in sale

    def test_points_used_pending_and_ending_are_told(self, tmp_path: Path) -> None:
        program = {"pending_days": 7, "valid_for": 1, "valid_to_end_of": "month"}
        with open_till(tmp_path, points=program) as till:
            anna = till.enrol()
            till.sell("104", member=anna)
            till.wait(days=7)
            till.adjust(anna, 100)  # 28 November: through 31 December, as the first 19
            sold = till.pay("101", member=anna, points=50, receipt="paper")
            till.take_back(sold, [(1, 1000)], [("cash", 209)], receipt="paper")
            sale, back = papers(till)
            points = "Points earned +2\nPoints used −50\nPoints balance 69\nPoints that count later 2\n"
            assert f"{points}Of these valid through 2026-12-31 69\n" in sale
            assert "Points −0.50\n" in back
            assert "Points earned −2\nPoints used +50\n" in back
            assert "Points balance 119\nOf these valid through 2026-12-31 119" in back

    def test_no_paper_is_printed_that_nobody_asked_for(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            till.void(sold)
            assert papers(till) == []
            assert sold.print_job is None

    def test_a_void_takes_back_what_was_paid(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            off = LineRequest(sku="101", discount=Discount("amount", 59, "dented"))
            till.void(till.sell(off, "100", tenders=[("card", 200), ("cash", 200)], receipt="paper"))
            _, void = papers(till)
            lines = void.splitlines()
            assert "Void S001-T01-000001" in lines
            for line in ("Chocolate 100 g −2.00 A", "Milk 1 l −1.29 B", "REFUND −€3.29", "Card −2.00", "Cash −1.29"):
                assert line in lines
            assert not any(line.startswith(("Subtotal", "Discounts")) for line in lines)

    def test_an_exchange_names_the_receipt_that_paid(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            first = till.sell("101", tenders=[("card", 259)])
            till.exchange([(first, 1, 1000)], "102", tenders=[("cash", 100)], receipt="paper")
            [text] = papers(till)
            lines = text.splitlines()
            at = lines.index("Goods returned")
            assert lines[at + 1 : at + 3] == ["Chocolate 100 g −2.59", "For receipt S001-T01-000001"]
            for line in ("TOTAL €3.50", "Credit note 2.59", "Cash 1.00", "Change 0.09"):
                assert line in lines


def test_x_is_blind_and_z_says_what_was_counted(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        sold = till.sell("101", "102", tenders=[("card", 609)])
        till.void(till.sell("102"))
        till.take_back(sold, [(1, 1000)], [("card", 259)])
        till.move("drop", 500)
        assert till.shift is not None
        till.do(print_shift, till.shift, new_id())
        till.close(cash=9_490)
        x, z = (paper.splitlines() for paper in papers(till))
        for line in ("Receipts 2", "Voids 1", "Returns 1", "Card 3.50", "Opening float 100.00"):
            assert line in x
        assert not any(line.startswith(("Gross", "Net", "Tax", "Cash ")) and line != "Cash drawer" for line in x), x
        for line in ("Receipts 2", "Voids 1 × −3.50", "Returns 1 × −2.59", "Tax 8 % 0.26", "Opening float 100.00"):
            assert line in z
        assert "X report" in x
        assert not any(line.startswith(("Expected", "Counted", "Difference")) for line in x)
        for line in ("Z report", "T01-Z0001", "Expected 95.00", "Counted 94.90", "Difference −0.10"):
            assert line in z
