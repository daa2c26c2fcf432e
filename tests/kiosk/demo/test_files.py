"""Files of baskets on a disk: plain, zipped, damaged, missing."""

import gzip
from pathlib import Path

import pytest

from kiosk.demo.baskets import COLUMNS
from kiosk.demo.files import bundled_baskets, find_products, load_baskets, load_products
from kiosk.demo.rows import WrongFile

TEXT = ",".join(COLUMNS) + "\r\n603,343,1,821788,2,238,48,0,0,2017-01-01T18:18:48Z\r\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tills.csv", TEXT.encode()),
        ("tills.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("tills.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("named_wrongly.csv", gzip.compress(TEXT.encode(), mtime=0)),
    ],
)
def test_a_file_is_read_zipped_or_not(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert [basket.total_minor for basket in load_baskets(tmp_path / name).baskets] == [238]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: the header lacks household_id"),
        (b"\x1f\x8b", "damaged or cut short"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-12], "damaged or cut short"),
        (gzip.compress(TEXT.encode(), mtime=0)[:40] + b"\xff" * 40, "damaged or cut short"),
        (TEXT.encode() + b"603,343,\xff\xfe", "is not UTF-8"),
        (TEXT.encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_damaged_file_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "tills.csv.gz").write_bytes(content)
    with pytest.raises(WrongFile, match=r"tills\.csv\.gz: ") as caught:
        load_baskets(tmp_path / "tills.csv.gz")
    assert said in caught.value.detail


def test_a_missing_file_and_a_folder_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="No such file"):
        load_baskets(tmp_path / "tills.csv")
    with pytest.raises(WrongFile, match="Is a directory"):
        load_baskets(tmp_path)


def test_products_are_looked_for_beside_the_baskets(tmp_path: Path) -> None:
    baskets = tmp_path / "tills.csv"
    assert find_products(baskets) is None
    assert load_products(None) == {}
    (tmp_path / "products.csv.gz").write_bytes(gzip.compress(b"x", mtime=0))
    assert find_products(baskets) == tmp_path / "products.csv.gz"
    (tmp_path / "products.csv").write_bytes(b"x")
    assert find_products(baskets) == tmp_path / "products.csv"


def test_the_slice_ships_with_its_provenance() -> None:
    folder = bundled_baskets().parent
    assert "84.51°" in (folder / "PROVENANCE.md").read_text(encoding="utf-8")
    assert len(list(folder.glob("*.csv.gz"))) == 7
