"""pure: offers in words: why there is a discount, what is missing to one, why a coupon gave nothing.

Facts hold codes and parameters; the sentence is made when somebody looks, in the language the fact names.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loyalty.basket import Discount
from loyalty.offers.book import OfferBook
from loyalty.offers.outcome import Code, Note, Outcome, Reason
from loyalty.offers.terms import say_title
from loyalty.offers.texts import say_note, say_reason
from sync.facts.offers import OfferUsed
from sync.facts.sales import SoldDiscount

_TEXTS_KEPT = 4096


class NoteAnswer(Struct, frozen=True, kw_only=True):
    """An offer that gave nothing or not its most: what is missing, or why it was refused, as code and in words. `title`
    is the offer's, where one is missing something."""

    offer: str
    code: str
    text: str
    title: str = ""


def used_offers(outcome: Outcome | None) -> tuple[OfferUsed, ...]:
    """What a sale has to count, as its fact holds it."""
    return tuple(
        OfferUsed(
            offer=use.offer,
            version=use.version,
            uses=use.uses,
            discount_minor=use.discount_minor,
            code=str(use.reason.code),
            parameters=use.reason.parameters,
            coupon=use.coupon,
        )
        for use in (outcome.uses if outcome else ())
    )


def say_notes(notes: Iterable[Note], language: str, currency: str) -> list[NoteAnswer]:
    """Near misses or refusals in words."""
    return [
        NoteAnswer(offer=note.offer, code=note.code.value, text=say_note(note, language, currency)) for note in notes
    ]


def entitle(notes: Iterable[NoteAnswer], book: OfferBook, language: str) -> list[NoteAnswer]:
    """The notes with the titles of their offers: "10% off" alone does not say of what."""
    return [
        replace(note, title=say_title(book.by_id[note.offer].offer, language)) if note.offer in book.by_id else note
        for note in notes
    ]


def code_text(code: str, parameters: Mapping[str, int | str], language: str, currency: str) -> str:
    """A refusal in words, from the code and the parameters that a fact holds."""
    return say_note(Note("", Code(code), parameters), language, currency)


def reason_texts(used: Sequence[OfferUsed], language: str, currency: str) -> dict[str, str]:
    """Why each offer gave something, in words, by offer."""
    return {use.offer: _say(use.code, tuple(use.parameters.items()), language, currency) for use in used}


def discount_text(discount: SoldDiscount | Discount, texts: Mapping[str, str]) -> str:
    """Why there is this discount: an offer's reason in words, a person's as it was typed."""
    return texts.get(discount.offer, discount.reason) if discount.offer is not None else discount.reason


@functools.lru_cache(maxsize=_TEXTS_KEPT)
def _say(code: str, parameters: tuple[tuple[str, int | str], ...], language: str, currency: str) -> str:
    return say_reason(Reason(Code(code), dict(parameters)), language, currency)
