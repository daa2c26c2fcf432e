"""pure: the pieces every paper of a store shares: its head, its marks, where it stands in the journal."""

from collections.abc import Iterator

from printers.contents import JournalMark, StoreHeader
from printers.document import BANNER, LARGE, Element, Feed, Wrapped
from printers.labels import Word, label


def store_head(store: StoreHeader, locale: str) -> Iterator[Element]:
    """The name large, the address and the tax number small below."""
    yield Wrapped(store.name, align="center", style=LARGE)
    for line in store.address_lines:
        yield Wrapped(line, align="center")
    if store.tax_id:
        yield Wrapped(f"{label(Word.TAX_ID, locale)} {store.tax_id}", align="center")
    yield Feed()


def marks(locale: str, *, training: bool, copy_number: int) -> Iterator[Element]:
    """What must not be mistaken for the real paper says so, at its head and at its foot, across the whole width."""
    texts = []
    if training:
        texts.append(label(Word.TRAINING, locale))
    if copy_number:
        texts.append(f"{label(Word.COPY, locale)} {copy_number}")
    for text in texts:
        yield Wrapped(text, align="center", style=BANNER)
    if texts:
        yield Feed()


def journal_foot(journal: JournalMark | None) -> Iterator[Element]:
    """Epoch, number and the first digits of the hash: enough to find the entry and to see that it was not rewritten."""
    if journal is not None:
        yield Wrapped(f"{journal.epoch}/{journal.seq} {journal.hash_prefix}", align="center")
