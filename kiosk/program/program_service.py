"""sql: earning rules, types of activity and rewards made, changed, ended and shown. A change is a new version; what was
earned or redeemed keeps the one it was decided by.

    answer, is_new = put_definition(tx, shop, caller, RULES, op_id, "coffee", terms, if_match)

A definition is in force for whatever is decided after the commit.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.bundles.managed import check_may_end, check_own
from kiosk.program.program_shelf import base_rule
from kiosk.program.program_store import (
    DefinitionRow,
    Sort,
    count_live,
    read_definition,
    read_definitions,
    read_program_book,
)
from kiosk.shop import Caller, Shop, day_of, origin_of
from kiosk.terms import Terms
from loyalty.activities import BUILT_IN, ActivityType, built_in, validate_activity
from loyalty.earning_rules.rule import EarningRule
from loyalty.earning_rules.validation import RuleFault, validate_rule
from loyalty.errors import Conflict, InvalidInput, NotFound
from loyalty.rewards import Reward, money_reward, validate_reward
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE
from sync.facts.earning import DefinitionChanged
from sync.http.etag import require_match, strong_etag
from sync.http.problems import FieldError, PreconditionFailed

LIVE_MAX = 200
_NAME_MAX = 64
_UNSAVED = "configuration"
"""The revision of what nobody has saved yet: the rule of the configuration, a type that is only proposed."""

DefinedT = TypeVar("DefinedT", EarningRule, ActivityType, Reward)


class DefinitionMissing(NotFound):
    """There is no such rule, activity or reward."""

    code, hint = "definition_not_found", "Look at the list, the ended ones are there too."


class DefinitionRefused(InvalidInput):
    """Nobody could explain this to a member."""

    code, hint = "definition_refused", "Mend what is listed and save it again."

    def __init__(self, faults: Sequence[RuleFault]) -> None:
        """Names every fault, each with its code, so that all is mended in one go."""
        super().__init__(faults[0].message, faults=[{"pointer": each.pointer, "code": each.code} for each in faults])
        self.errors = tuple(FieldError(each.pointer, each.message) for each in faults)


class TooManyDefinitions(Conflict):
    """There are as many as a till can weigh up in time."""

    code, hint = "too_many_definitions", "End those that nobody needs any more."


class Defined(Struct, Generic[DefinedT], frozen=True):
    """A rule, type or reward as it is. `state` is live or ended; proposed is a type that everybody knows and nobody has
    said points for yet. `revision` is its ETag."""

    definition: DefinedT
    state: str
    revision: str


class DefinedList(Struct, Generic[DefinedT], frozen=True):
    """All of one sort by name; a program has few."""

    items: tuple[Defined[DefinedT], ...]
    next: None = None


class Definitions(Struct, Generic[DefinedT], frozen=True):
    """One sort of definition: how it is made, checked, written, and what there is before anybody made any."""

    sort: Sort
    kind: type[DefinedT]
    validate: Callable[[DefinedT], list[RuleFault]]
    unsaved: Callable[[Terms], Sequence[DefinedT]] = lambda _: ()
    unsaved_state: str = "live"

    def make(self, name: str, version: int, terms: Struct) -> DefinedT:
        """The definition, if anybody could explain it. Raises DefinitionRefused; also for a name that is none."""
        values = {field: getattr(terms, field) for field in terms.__struct_fields__}
        made = self.kind(**values, id=name, version=version)
        try:
            made = msgspec.convert(msgspec.to_builtins(made), self.kind)
        except msgspec.ValidationError as error:
            message = f"This is no name for it: {error}."
            raise DefinitionRefused([RuleFault("/id", "wrong_id", message)]) from error
        faults = self.validate(made)
        if faults:
            raise DefinitionRefused(faults)
        return made


RULES: Definitions[EarningRule] = Definitions(
    "earning_rule", EarningRule, validate_rule, unsaved=lambda terms: (base_rule(terms),)
)
TYPES: Definitions[ActivityType] = Definitions(
    "activity_type",
    ActivityType,
    validate_activity,
    unsaved=lambda _: [built_in(code) for code in BUILT_IN],
    unsaved_state="proposed",
)
REWARDS: Definitions[Reward] = Definitions(
    "reward", Reward, validate_reward, unsaved=lambda terms: (money_reward(terms.program.redeem),)
)


def put_definition(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    sort: Definitions[DefinedT],
    op_id: UUID,
    name: str,
    terms: Struct,
    if_match: str | None,
) -> tuple[Defined[DefinedT], bool]:
    """Make or change one; True when it is new. An ended one is live again. The same once more writes nothing.

    The first version of what the configuration says already is 2: what was earned before names version 1.

    Raises DefinitionRefused, TooManyDefinitions, PreconditionRequired, PreconditionFailed, ManagedByHeadOffice.
    """
    if sort.sort == EARNING_RULE:
        check_own(tx, EARNING_RULE)
    present = read_definition(tx, sort.sort, name)
    if present is not None:
        require_match(if_match, strong_etag(present.revision))
    elif if_match is not None:
        raise PreconditionFailed
    known = present.version if present else _unsaved_version(sort, shop.terms, name)
    made = sort.make(name, known + 1, terms)
    if present is not None and present.live and _same(sort, present, made):
        return _render(sort, present), False
    if (present is None or not present.live) and count_live(tx, sort.sort) >= LIVE_MAX:
        raise TooManyDefinitions(f"{LIVE_MAX} are live.")
    _record(tx, shop, caller, sort, op_id, made, live=True)
    return show_definition(tx, shop, caller, sort, name), present is None


def end_definition(
    tx: Tx, shop: Shop, caller: Caller, sort: Definitions[DefinedT], op_id: UUID, name: str, if_match: str | None
) -> Defined[DefinedT]:
    """End one: nothing is decided by it any more. Ending it again answers the same. To end the configuration's own
    rule, save it first.

    Raises DefinitionMissing, PreconditionRequired, PreconditionFailed, ManagedByHeadOffice.
    """
    present = read_definition(tx, sort.sort, name)
    if present is None:
        raise DefinitionMissing(name[:_NAME_MAX])
    if sort.sort == EARNING_RULE:
        check_may_end(tx, EARNING_RULE, name)
    if not present.live:
        return _render(sort, present)
    require_match(if_match, strong_etag(present.revision))
    made = msgspec.structs.replace(_decode(sort, present), version=present.version + 1)
    _record(tx, shop, caller, sort, op_id, made, live=False)
    return show_definition(tx, shop, caller, sort, name)


def show_definition(tx: Tx, shop: Shop, _caller: Caller, sort: Definitions[DefinedT], name: str) -> Defined[DefinedT]:
    """One of them, what nobody has saved yet included. Raises DefinitionMissing."""
    row = read_definition(tx, sort.sort, name)
    if row is not None:
        return _render(sort, row)
    for unsaved in sort.unsaved(shop.terms):
        if unsaved.id == name:
            return Defined(unsaved, sort.unsaved_state, _UNSAVED)
    raise DefinitionMissing(name[:_NAME_MAX])


def list_definitions(tx: Tx, shop: Shop, _caller: Caller, sort: Definitions[DefinedT]) -> DefinedList[DefinedT]:
    """All by name: live and ended ones, and what nobody has saved yet."""
    found = {row.name: _render(sort, row) for row in read_definitions(tx, sort.sort)}
    for unsaved in sort.unsaved(shop.terms):
        found.setdefault(unsaved.id, Defined(unsaved, sort.unsaved_state, _UNSAVED))
    return DefinedList(tuple(found[name] for name in sorted(found)))


def etag_of(defined: Defined[DefinedT]) -> str:
    """The version of a definition."""
    return strong_etag(defined.revision)


def _unsaved_version(sort: Definitions[DefinedT], terms: Terms, name: str) -> int:
    """The version under which something counts already that nobody has saved; 0 for none."""
    counts = sort.unsaved_state == "live"
    return max([each.version for each in sort.unsaved(terms) if counts and each.id == name], default=0)


def _same(sort: Definitions[DefinedT], present: DefinitionRow, made: DefinedT) -> bool:
    return msgspec.structs.replace(_decode(sort, present), version=made.version) == made


def _record(
    tx: Tx, shop: Shop, caller: Caller, sort: Definitions[DefinedT], op_id: UUID, made: DefinedT, *, live: bool
) -> None:
    body = DefinitionChanged(
        sort=sort.sort,
        name=made.id,
        version=made.version,
        book=read_program_book(tx) + 1,
        live=live,
        definition=msgspec.Raw(msgspec.json.encode(made, order="deterministic")),
    )
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), op_id, body)


def _decode(sort: Definitions[DefinedT], row: DefinitionRow) -> DefinedT:
    return msgspec.json.decode(row.content, type=sort.kind)


def _render(sort: Definitions[DefinedT], row: DefinitionRow) -> Defined[DefinedT]:
    return Defined(_decode(sort, row), "live" if row.live else "ended", row.revision)
