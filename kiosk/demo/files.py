"""edge: the files baskets come from, plain or gzipped, and the slice of real baskets that ships with the program.

baskets = load_baskets(bundled_baskets())
products = load_products(find_products(bundled_baskets()))
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

from kiosk.demo.baskets import Basket, BasketFile, read_baskets
from kiosk.demo.catalogue import ProductRow, read_products
from kiosk.demo.rows import WrongFile

ValueT = TypeVar("ValueT")

_JOURNEY = Path(__file__).parent / "journey"


def bundled_baskets() -> Path:
    """The baskets of three stores and one year (journey/PROVENANCE.md)."""
    return _JOURNEY / "transactions.csv.gz"


def find_products(baskets: Path) -> Path | None:
    """The products.csv or products.csv.gz in the folder of `baskets`, or None."""
    beside = (baskets.with_name(name) for name in ("products.csv", "products.csv.gz"))
    return next((path for path in beside if path.is_file()), None)


def load_baskets(path: Path) -> BasketFile:
    """Read a file of baskets, .csv or .csv.gz. Raises WrongFile, also when there is no such file."""
    return load_lines(path, read_baskets)


def load_store_baskets(path: Path, store_id: str) -> tuple[Basket, ...]:
    """The baskets of one store of a file, in a fraction of the time. Raises WrongFile."""
    return tuple(
        basket
        for basket in load_lines(path, lambda lines, name: read_baskets(_naming(lines, store_id), name)).baskets
        if basket.store_id == store_id
    )


def load_products(path: Path | None) -> dict[str, ProductRow]:
    """Read a file of products; without one nothing is known of any. Raises WrongFile."""
    return {} if path is None else load_lines(path, read_products)


def load_lines(path: Path, read: Callable[[Iterable[str], str], ValueT]) -> ValueT:
    """Hand the lines of `path` and its name to `read`.

    Raises WrongFile, also for whatever the disk, gzip or the encoding object to.
    """
    try:
        with _open_text(path) as lines:
            return read(lines, path.name)
    except UnicodeDecodeError as error:
        raise WrongFile(f"{path.name}: byte {error.start} of a block is not UTF-8 text.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise WrongFile(f"{path.name}: the gzip file is damaged or cut short ({error}).") from error
    except OSError as error:
        raise WrongFile(f"{path.name}: {error.strerror or error}.") from error


def _naming(lines: Iterable[str], store_id: str) -> Iterator[str]:
    """The header, and every line in which the store's id stands in some column."""
    wanted = f",{store_id},"
    return (line for at, line in enumerate(lines) if at == 0 or wanted in line)


def _open_text(path: Path) -> TextIO:
    """The text of a file, unzipped when it begins like gzip whatever its name."""
    with path.open("rb") as start:
        zipped = start.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
