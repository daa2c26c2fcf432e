"""pure: which word of a member counts, when several shops took her words down without hearing of each other.

No clock decides. A word replaces an older one if the same life of the same shop wrote both, or if it names it. Of those
that nothing replaced, a withdrawal wins: whoever withdrew is never written to because another shop had not heard of it.

    shop A          shop B           what counts
    ------          ------           -----------
    grant                            grant
    withdrawal                       withdrawal
                    grant            withdrawal      B had not heard of it
                    grant, naming    grant           now it had
    withdrawal                       withdrawal      A had not heard of the new grant: once more the withdrawal
"""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct


class Word(Struct, frozen=True, kw_only=True):
    """One word of a member about one channel and purpose. `replaces` are the withdrawals a grant knew of; its place is
    head office's (effective_at, origin, seq)."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None
    op: UUID
    at: int
    effective_at: int
    origin: int
    seq: int
    replaces: tuple[UUID, ...] = ()


def standing(words: Iterable[Word]) -> list[Word]:
    """The word that counts for each channel and purpose, in their order. Any order of `words` gives the same."""
    by_subject: dict[tuple[str, str], list[Word]] = {}
    for word in words:
        by_subject.setdefault((word.channel, word.purpose), []).append(word)
    return [_counts(by_subject[subject]) for subject in sorted(by_subject)]


def _counts(words: list[Word]) -> Word:
    newest: dict[int, int] = {}
    for word in words:
        newest[word.origin] = max(newest.get(word.origin, -1), word.seq)
    replaced = {op for word in words if word.granted for op in word.replaces if op != word.op}
    left = [word for word in words if word.seq == newest[word.origin] and word.op not in replaced]
    # Two grants that name each other cannot be: each would have to know the other. Should a forger try, nothing is
    # left, and the withdrawals among all the words decide.
    candidates = left or [word for word in words if not word.granted] or words
    withdrawn = [word for word in candidates if not word.granted]
    return max(withdrawn or candidates, key=lambda word: (word.effective_at, word.origin, word.seq, word.op))
