"""pure: where all luck of a universe comes from: one generator with one seed. The same seed is the same universe."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Chance(Protocol):
    """The part of random.Random that a universe uses; who makes one is at the edge."""

    def random(self) -> float: ...
    def randrange(self, start: int, stop: int, /) -> int: ...
    def getrandbits(self, bits: int, /) -> int: ...
    def choice(self, seq: Sequence[T], /) -> T: ...


def draw_bytes(chance: Chance, length: int) -> bytes:
    """Random bytes, for ids and names that machines draw."""
    return chance.getrandbits(8 * length).to_bytes(length)


def spread(chance: Chance, mean: int) -> int:
    """A delay around `mean`: from a tenth of it to about twice, in the unit of `mean`, at least 1."""
    return 1 + chance.randrange(mean // 10, 2 * mean + 1)
