"""Tax as Japan, Korea and Poland write it, and the sums that hold everywhere."""

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.errors import InvalidInput
from loyalty.rounding import Rounding, round_ratio
from loyalty.tax import TaxAmount, TaxMode, TaxRounding, TaxRules, canonical_rate, compute_taxes, parse_rate

quick = settings(max_examples=200, derandomize=True, deadline=None)
PER_RATE_DOWN_ADDED = TaxRules(TaxMode.ADDED, TaxRounding.RATE, Rounding.DOWN)
PER_RATE_DOWN_INCLUDED = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.DOWN)
PER_RATE = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)
PER_LINE = TaxRules(TaxMode.INCLUDED, TaxRounding.LINE, Rounding.HALF_UP)
PER_RECEIPT_ADDED = TaxRules(TaxMode.ADDED, TaxRounding.RECEIPT, Rounding.HALF_UP)

JAPAN = [("8", 198), ("8", 98), ("8", 101), ("10", 333)]
POLAND = [("23", 199), ("8", 250), ("23", 199), ("5", 479), ("23", 199), ("0", 300)]

rules = st.builds(TaxRules, st.sampled_from(TaxMode), st.sampled_from(TaxRounding), st.sampled_from(Rounding))
rates = st.sampled_from(["0", "2.5", "5", "5.0", "5.5", "8", "10", "19", "20", "23", "23.0", "25.5", "7.7", "1000"])
receipts = st.lists(st.tuples(rates, st.integers(-(10**6), 10**6)), max_size=10)


@pytest.mark.parametrize(
    ("given_rules", "lines", "taxes", "line_taxes"),
    [
        pytest.param(
            PER_RATE_DOWN_ADDED, JAPAN, [("10", 333, 33), ("8", 397, 31)], (16, 7, 8, 33), id="Japan, tax added"
        ),
        pytest.param(
            PER_RATE_DOWN_INCLUDED, JAPAN, [("10", 303, 30), ("8", 368, 29)], (15, 7, 7, 30), id="Japan, tax included"
        ),
        pytest.param(PER_RATE, [("10", 11000)], [("10", 10000, 1000)], (1000,), id="Korea, even"),
        pytest.param(PER_RATE, [("10", 10000)], [("10", 9091, 909)], (909,), id="Korea, uneven"),
        pytest.param(
            PER_RATE,
            POLAND,
            [("23", 485, 112), ("8", 231, 19), ("5", 456, 23), ("0", 300, 0)],
            (38, 19, 37, 23, 37, 0),
            id="Poland, per rate",
        ),
        pytest.param(
            PER_LINE,
            POLAND,
            [("23", 486, 111), ("8", 231, 19), ("5", 456, 23), ("0", 300, 0)],
            (37, 19, 37, 23, 37, 0),
            id="Poland, per line, a grosz less",
        ),
        pytest.param(
            PER_RECEIPT_ADDED, [("8", 1), ("23", 2)], [("23", 2, 1), ("8", 1, 0)], (0, 1), id="once per receipt"
        ),
        pytest.param(PER_RATE, [], [], (), id="an empty receipt"),
    ],
)
def test_the_worked_tables_hold(
    given_rules: TaxRules,
    lines: list[tuple[str, int]],
    taxes: list[tuple[str, int, int]],
    line_taxes: tuple[int, ...],
) -> None:
    result = compute_taxes(lines, given_rules)
    assert result.taxes == tuple(TaxAmount(*tax) for tax in taxes)
    assert result.line_taxes_minor == line_taxes


def test_per_line_and_per_rate_differ_by_one_grosz_on_three_equal_lines() -> None:
    lines = [("23", 199)] * 3
    assert sum(compute_taxes(lines, PER_RATE).line_taxes_minor) == 112
    assert sum(compute_taxes(lines, PER_LINE).line_taxes_minor) == 111


def test_a_receipt_rounds_once_where_two_rates_would_round_twice() -> None:
    lines = [("10", 4), ("8", 5)]  # 0.4 + 0.4: nothing for either rate alone, 0.8 together
    per_rate = TaxRules(TaxMode.ADDED, TaxRounding.RATE, Rounding.HALF_UP)
    assert sum(compute_taxes(lines, per_rate).line_taxes_minor) == 0
    assert sum(compute_taxes(lines, PER_RECEIPT_ADDED).line_taxes_minor) == 1


@pytest.mark.parametrize(
    ("text", "ratio", "canonical"),
    [
        ("23", (23, 100), "23"),
        ("23.0", (23, 100), "23"),
        ("023.00", (23, 100), "23"),
        ("5.5", (11, 200), "5.5"),
        ("5.50", (11, 200), "5.5"),
        ("0", (0, 1), "0"),
        ("0.0", (0, 1), "0"),
        ("7.7", (77, 1000), "7.7"),
        ("0.0001", (1, 1_000_000), "0.0001"),
        ("1000", (10, 1), "1000"),
    ],
)
def test_a_rate_has_one_ratio_and_one_spelling(text: str, ratio: tuple[int, int], canonical: str) -> None:
    assert parse_rate(text) == ratio
    assert canonical_rate(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 23",
        "23 ",
        "23\n",
        "+5",
        "-5",
        "5,5",
        "5.",
        ".5",
        "1e2",
        "1000.0001",
        "1001",
        "99999",
        "5.00001",
        "٢٣",
        "nan",
    ],
)
def test_what_is_not_a_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_rate(text)
    assert refused.value.code == "wrong_tax_rate"


def test_two_spellings_of_one_rate_are_one_row_and_rates_sort_as_numbers() -> None:
    result = compute_taxes([("5.0", 100), ("10", 100), ("5", 100), ("8", 100)], PER_RATE_DOWN_ADDED)
    assert [(tax.rate, tax.base_minor) for tax in result.taxes] == [("10", 100), ("8", 100), ("5", 200)]


@quick
@given(receipts, rules)
def test_lines_and_rates_add_up_to_the_same_tax(lines: list[tuple[str, int]], given_rules: TaxRules) -> None:
    result = compute_taxes(lines, given_rules)
    by_rate: dict[str, int] = defaultdict(int)
    net_by_rate: dict[str, int] = defaultdict(int)
    for (rate, net), line_tax in zip(lines, result.line_taxes_minor, strict=True):
        by_rate[canonical_rate(rate)] += line_tax
        net_by_rate[canonical_rate(rate)] += net
    assert {tax.rate: tax.tax_minor for tax in result.taxes} == dict(by_rate)
    for tax in result.taxes:
        held = tax.tax_minor if given_rules.mode is TaxMode.INCLUDED else 0
        assert tax.base_minor + held == net_by_rate[tax.rate]


@quick
@given(receipts, rules)
def test_what_the_rule_names_is_the_exact_tax_rounded_once(lines: list[tuple[str, int]], given_rules: TaxRules) -> None:
    exact = []
    for text, net in lines:
        ratio = Fraction(*parse_rate(text))
        exact.append(net * ratio / (1 + ratio) if given_rules.mode is TaxMode.INCLUDED else net * ratio)
    result = compute_taxes(lines, given_rules)

    def rounded(value: Fraction) -> int:
        return round_ratio(value.numerator, value.denominator, given_rules.method)

    if given_rules.rounding is TaxRounding.LINE:
        assert list(result.line_taxes_minor) == [rounded(value) for value in exact]
    elif given_rules.rounding is TaxRounding.RATE:
        for tax in result.taxes:
            of_rate = sum(
                (value for (text, _), value in zip(lines, exact, strict=True) if canonical_rate(text) == tax.rate),
                Fraction(0),
            )
            assert tax.tax_minor == rounded(of_rate)
    else:
        assert sum(result.line_taxes_minor) == rounded(sum(exact, Fraction(0)))
    # Splitting moves a line to one of its two neighbours; per receipt it may be moved once more, with its rate.
    reach = 2 if given_rules.rounding is TaxRounding.RECEIPT else 1
    assert all(abs(tax - value) < reach for tax, value in zip(result.line_taxes_minor, exact, strict=True))


@quick
@given(receipts, rules)
def test_a_mirrored_receipt_has_mirrored_taxes(lines: list[tuple[str, int]], given_rules: TaxRules) -> None:
    there = compute_taxes(lines, given_rules)
    back = compute_taxes([(rate, -net) for rate, net in lines], given_rules)
    assert back.line_taxes_minor == tuple(-tax for tax in there.line_taxes_minor)


@quick
@given(receipts, rules)
def test_a_rate_of_zero_is_never_given_a_unit_to_make_sums_fit(
    lines: list[tuple[str, int]], given_rules: TaxRules
) -> None:
    result = compute_taxes([*lines, ("0", 999)], given_rules)
    assert result.line_taxes_minor[-1] == 0
