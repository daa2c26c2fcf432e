"""pure: what head office has told a simulated shop, as it lies on its disk, by the rules of kiosk.life.feed_rows: a
page and its cursor in one go, sums kept beside the rows, a snapshot in place of a bucket. Never changed, only
replaced: a backup of a disk shares it."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kiosk.simulate.feed import Bucket
from sync.protocol.feed import changed_checksum, checksum_of, checksum_text
from sync.protocol.pull_store import ApplyPage


class Row(NamedTuple):
    """A thing as it was told."""

    seq: int
    generation: int
    value: str


Rows = Mapping[tuple[str, str], Row]


class Told(Struct, frozen=True, kw_only=True):
    """By bucket: the rows, what they add up to as it was kept by the way, what head office said last, the generation
    and the newest number. `cursor` and `timeline` are those of the last page, `doubted` the buckets that have not added
    up since they were told."""

    rows: dict[str, Rows] = {}
    sums: dict[str, int] = {}
    said: dict[str, str] = {}
    generations: dict[str, int] = {}
    numbers: dict[str, int] = {}
    cursor: str | None = None
    timeline: int = 0
    doubted: tuple[str, ...] = ()

    def value(self, bucket: str, entity: str, key: str) -> str | None:
        """What was told of a thing."""
        row = self.rows.get(bucket, {}).get((entity, key))
        return row.value if row else None

    def values(self, bucket: str, entity: str) -> list[tuple[str, str]]:
        """The (key, value) of all things of an entity."""
        return [(key, row.value) for (sort, key), row in self.rows.get(bucket, {}).items() if sort == entity]

    def wrong(self) -> tuple[str, ...]:
        """The buckets whose rows, added up one by one, are not what head office said last."""
        return tuple(name for name, said in self.said.items() if checksum_text(_add_up(self.rows[name])) != said)


def keep_page(told: Told, page: ApplyPage) -> tuple[Told, tuple[str, ...]]:
    """What is told after a page, and the buckets that do not add up."""
    rows: dict[str, dict[tuple[str, str], Row]] = {name: dict(told.rows.get(name, {})) for name in page.generations}
    sums = {name: told.sums.get(name, 0) for name in page.generations}
    numbers = dict(told.numbers) if told.timeline == page.timeline else {}
    for put in page.puts:
        known, key = rows[put.bucket], (put.entity, put.key)
        before = known.pop(key, None)
        after = put.value.decode() if put.value is not None else None
        sums[put.bucket] = changed_checksum(sums[put.bucket], *key, before.value if before else None, after)
        if after is not None:
            known[key] = Row(put.seq, put.generation, after)
        numbers[put.bucket] = max(put.seq, numbers.get(put.bucket, 0))
    said = {name: text for name, text in told.said.items() if name in rows}
    wrong = []
    for each in page.sums:
        kept = {key: row for key, row in rows[each.bucket].items() if row.generation >= each.generation}
        if len(kept) < len(rows[each.bucket]) or checksum_text(sums[each.bucket]) != each.checksum:
            rows[each.bucket], sums[each.bucket] = kept, _add_up(kept)
        said[each.bucket] = each.checksum
        if checksum_text(sums[each.bucket]) != each.checksum:
            wrong.append(each.bucket)
    added_up = [each.bucket for each in page.sums]
    kept_told = Told(
        rows=dict(rows),
        sums=sums,
        said=said,
        generations=page.generations,
        numbers=numbers,
        cursor=page.cursor,
        timeline=page.timeline,
        doubted=(*(name for name in told.doubted if name in rows and name not in added_up), *wrong),
    )
    return kept_told, tuple(wrong)


def install(told: Told, buckets: Mapping[str, Bucket], cursor: str, timeline: int) -> Told:
    """What is told once the snapshots of these buckets are installed."""
    generations = dict(told.generations)
    rows, sums, said = dict(told.rows), dict(told.sums), dict(told.said)
    numbers = dict(told.numbers) if told.timeline == timeline else {}
    for name, bucket in buckets.items():
        generation = generations[name] = generations.get(name, 0) + 1
        rows[name] = {
            key: Row(thing.seq, generation, thing.value)
            for key, thing in bucket.things.items()
            if thing.value is not None
        }
        sums[name], said[name], numbers[name] = bucket.checksum, checksum_text(bucket.checksum), bucket.last
    return Told(
        rows=rows, sums=sums, said=said, generations=generations, numbers=numbers, cursor=cursor, timeline=timeline
    )


def flip_any(told: Told, bucket: str) -> Told:
    """One bit of the first row of a bucket is another."""
    return flip(told, bucket, next(iter(told.rows[bucket])))


def flip(told: Told, bucket: str, key: tuple[str, str]) -> Told:
    """One bit of the value of a row is another; nothing that was kept beside it knows."""
    rows = dict(told.rows[bucket])
    row = rows[key]
    rows[key] = row._replace(value=chr(ord(row.value[0]) ^ 1) + row.value[1:])
    return replace(told, rows={**told.rows, bucket: rows})


def _add_up(rows: Rows) -> int:
    return checksum_of((entity, key, row.value) for (entity, key), row in rows.items())
