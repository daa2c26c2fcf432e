"""What tests of both engines share."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from loyalty.transactions import Tx
from sync.engines import Storage

T = TypeVar("T")


class Both:
    """Both engines, driven from tests that are no coroutines."""

    def __init__(self, runner: asyncio.Runner, storages: Sequence[Storage]) -> None:
        self.runner, self.storages = runner, storages


def compare(both: Both, job: Callable[[Tx], T]) -> T:
    """Run a job on both engines; what it answers must be the same on both, to the type. Answers it."""
    answers = [both.runner.run(storage.write(job)) for storage in both.storages]
    assert answers[0] == answers[1]
    assert spelled(answers[0]) == spelled(answers[1])
    return answers[0]


def spelled(value: Any) -> Any:  # noqa: ANN401  whatever a job answers
    """A value down to the types of its parts: 1 and True are equal, and are not the same in an answer to a till."""
    if isinstance(value, Mapping):
        return sorted(((spelled(key), spelled(item)) for key, item in value.items()), key=repr)
    if isinstance(value, Struct):
        return [spelled(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, list | tuple):
        return [spelled(item) for item in value]
    return repr(value)


def rows_of(tx: Tx, tables: Mapping[str, int]) -> list[tuple[str, tuple[Any, ...]]]:
    """Every row of the tables, each with the name of its table, in an order of their own."""
    rows = [(name, row) for name in tables for row in tx.execute(f"SELECT * FROM {name}").fetchall()]
    return sorted(rows, key=repr)
