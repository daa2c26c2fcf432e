"""pure: a coupon, from its content: what it gives in large letters, the conditions, the code with nothing beside it.

The typed code stands large below the QR code: paper fades, and what cannot be scanned must still be read.
"""

from collections.abc import Iterator

from printers.contents import CouponContent
from printers.document import BOLD, LARGE, QR, Cut, Document, Element, Feed, Line, Rule, Wrapped
from printers.labels import Word, label
from printers.templates.parts import journal_foot, marks, store_head


def coupon_document(content: CouponContent, copy_number: int = 0) -> Document:
    """The document of a coupon; `copy_number` above 0 marks it as COPY n. A copy has the same code: it is no second
    coupon."""
    warnings = list(marks(content.locale, training=content.training, copy_number=copy_number))
    elements: list[Element] = [*store_head(content.store, content.locale), *warnings, *_promise(content)]
    elements += [Rule(), *_conditions(content), Rule()]
    elements += [QR(content.token), Wrapped(content.code, align="center", style=LARGE), Feed()]
    elements += [*_foot(content), *warnings, Cut()]
    return Document(content.locale, tuple(elements))


def _promise(content: CouponContent) -> Iterator[Element]:
    yield Wrapped(label(Word.TITLE_COUPON, content.locale), align="center", style=BOLD)
    yield Feed()
    yield Wrapped(content.title, align="center", style=LARGE)


def _conditions(content: CouponContent) -> Iterator[Element]:
    locale = content.locale
    yield Line(label(Word.VALID_UNTIL, locale), content.valid_until, style=BOLD)
    if content.terms:
        yield Wrapped(content.terms)
    if content.once:
        yield Wrapped(label(Word.COUPON_ONCE, locale))
    if content.for_member:
        yield Wrapped(label(Word.COUPON_FOR_MEMBER, locale))
    if not content.chain_wide:
        yield Wrapped(label(Word.COUPON_THIS_SHOP, locale))


def _foot(content: CouponContent) -> Iterator[Element]:
    yield Line(label(Word.COUPON_NUMBER, content.locale), content.serial)
    yield Line(label(Word.ISSUED, content.locale), content.at_local)
    yield from journal_foot(content.journal)
    yield Feed()
