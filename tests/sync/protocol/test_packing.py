"""Bodies are packed for the line and unpacked within their limit, whatever they claim to be."""

import functools
import gzip
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import Problem
from sync.protocol.packing import ENCODINGS, pack, unpack

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("encoding", [*ENCODINGS, "identity"])
@pytest.mark.parametrize("body", [b"", b"x", b'{"a":1}' * 60_000, bytes(range(256)) * 999])
def test_what_was_packed_comes_out_again(encoding: str, body: bytes) -> None:
    assert unpack(pack(body, encoding), encoding) == body


@given(body=st.binary(max_size=300), encoding=st.sampled_from(ENCODINGS), limit=st.integers(0, 300))
def test_the_limit_is_exact(body: bytes, encoding: str, limit: int) -> None:
    packed = pack(body, encoding)
    if len(body) <= limit:
        assert unpack(packed, encoding, limit) == body
    else:
        with pytest.raises(Problem) as caught:
            unpack(packed, encoding, limit)
        assert (caught.value.code, caught.value.status) == ("body_too_large", 413)


def undeclared(body: bytes) -> bytes:
    """A zstd frame that does not say how much it holds."""
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return packer.compress(body) + packer.flush()


def with_window(exponent: int) -> bytes:
    """A frame of four bytes that wants a window of 2^(10 + exponent) to unpack them (RFC 8878, 3.1.1)."""
    magic, no_flags, one_raw_block = b"\x28\xb5\x2f\xfd", b"\0", b"\x21\0\0tiny"
    return magic + no_flags + bytes([exponent << 3]) + one_raw_block


@functools.cache
def bombs() -> dict[str, tuple[str, bytes]]:
    zeros = bytes(16 * MEGABYTE)
    return {
        "zstd": ("zstd", pack(zeros, "zstd")),
        "zstd that does not say how much": ("zstd", undeclared(zeros)),
        "zstd in many frames": ("zstd", undeclared(bytes(MEGABYTE)) * 16),
        "gzip": ("gzip", pack(zeros, "gzip")),
    }


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_before_it_takes_more_memory_than_allowed(name: str) -> None:
    encoding, packed = bombs()[name]
    assert len(packed) < MEGABYTE
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as caught:
            unpack(packed, encoding, MEGABYTE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "body_too_large"
    assert peak < 4 * MEGABYTE  # a growing buffer is copied


def test_a_frame_with_a_window_of_the_usual_size_is_taken() -> None:
    assert unpack(with_window(11), "zstd") == b"tiny"


def test_a_frame_that_only_declares_too_much_is_not_begun() -> None:
    whole = pack(bytes(2 * MEGABYTE), "zstd")
    with pytest.raises(Problem) as caught:
        unpack(whole[:20], "zstd", MEGABYTE)
    assert caught.value.code == "body_too_large"


BROKEN = {
    "no zstd": ("zstd", b"hello, this is not packed"),
    "empty zstd": ("zstd", b""),
    "cut off zstd": ("zstd", pack(b"hello" * 999, "zstd")[:-3]),
    "two zstd frames": ("zstd", pack(b"a", "zstd") + pack(b"b", "zstd")),
    "something behind zstd": ("zstd", pack(b"a", "zstd") + b"tail"),
    "a window of 512 MB": ("zstd", with_window(19)),
    "a window of 16 MB": ("zstd", with_window(14)),
    "no gzip": ("gzip", b"hello, this is not packed"),
    "empty gzip": ("gzip", b""),
    "cut off gzip": ("gzip", pack(b"hello" * 999, "gzip")[:-3]),
    "a wrong checksum": ("gzip", gzip.compress(b"hello")[:-8] + bytes(8)),
    "something behind gzip": ("gzip", pack(b"a", "gzip") + b"tail"),
    "bare deflate": ("gzip", zlib.compress(b"hello")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_whole_frame_is_refused(case: str) -> None:
    encoding, packed = BROKEN[case]
    with pytest.raises(Problem) as caught:
        unpack(packed, encoding)
    assert (caught.value.code, caught.value.status) == ("broken_body", 422)


@given(packed=st.binary(max_size=200), encoding=st.sampled_from(ENCODINGS), cut=st.integers(0, 60))
def test_garbage_is_refused_or_unpacked_but_never_anything_else(packed: bytes, encoding: str, cut: int) -> None:
    for body in (packed, pack(packed, encoding)[:cut] + packed):
        try:
            unpack(body, encoding, 1_000)
        except Problem as problem:
            assert problem.code in ("broken_body", "body_too_large")  # noqa: PT017  either is right


@pytest.mark.parametrize("encoding", ["br", "deflate", "", "zstd, gzip", "ZSTD"])
def test_another_encoding_is_named_as_unknown(encoding: str) -> None:
    for act in (pack, unpack):
        with pytest.raises(Problem) as caught:
            act(b"", encoding)
        assert (caught.value.code, caught.value.status) == ("unsupported_media", 415)


def test_a_day_of_sales_becomes_small() -> None:
    body = b"".join(b'{"kind":"sale.completed","number":"S001-T01-%06d","total_minor":199}' % n for n in range(500))
    assert all(len(pack(body, encoding)) * 4 < len(body) for encoding in ENCODINGS)
