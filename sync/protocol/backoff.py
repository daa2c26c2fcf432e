"""pure: how long to wait before the next try, and when a store's turn is.

Thousands of stores lose head office at the same moment and find it again at the same moment. What keeps them apart is
chance: each waits a whole random part of a span that doubles with every failure (full jitter), and jobs that need not
happen at once have a slot of their own in the day.
"""

import hashlib
from uuid import UUID

BASE_MS = 1_000
CAP_MS = 300_000
_MASK = 2**64 - 1


def draw(seed: int) -> tuple[int, int]:
    """A number below 2^64 and the seed of the next: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom
    Number Generators, 2014). The edge brings the first seed, so a simulation repeats itself to the letter."""
    seed = (seed + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31), seed


def full_jitter(attempt: int, chance: int, *, base_ms: int = BASE_MS, cap_ms: int = CAP_MS) -> int:
    """How many milliseconds to wait after the `attempt`-th failure in a row (1, 2, 3 …): any of 1 to the span, where
    the span is `base_ms` doubled with each failure, at most `cap_ms`. `chance` is a random number below 2^64.

    span:   1 -> 1 s   2 -> 2 s   3 -> 4 s   …   9 -> 256 s   10 and more -> 300 s
    """
    span = min(cap_ms, base_ms << min(attempt - 1, 32))
    return 1 + chance * span // (_MASK + 1)


def slot_ms(store: UUID, window_ms: int) -> int:
    """Where in a window of time a store's turn is: always the same, and evenly spread over the stores."""
    return int.from_bytes(hashlib.sha256(b"counterfoil/slot/1" + store.bytes).digest()[:8]) % window_ms
