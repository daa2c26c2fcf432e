"""edge: the loyalty program over HTTP: earning rules, types of activity and rewards; activities that bring points."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from kiosk.commands import Amount
from kiosk.members.member_standing import TierAnswer, show_tier
from kiosk.program.activities import ActivityAnswer, RecordActivity
from kiosk.program.activity_service import record_activity
from kiosk.program.program_service import (
    REWARDS,
    RULES,
    TYPES,
    Defined,
    DefinedList,
    Definitions,
    end_definition,
    etag_of,
    list_definitions,
    put_definition,
    show_definition,
)
from kiosk.program.referral_service import ReferralList, list_referrals
from kiosk.program.reward_service import RewardList, list_rewards
from kiosk.web.door import MANAGERS, SHOPPERS, STAFF, Door, Session
from kiosk.web.proofs import need_proof
from kiosk.web.table import RouteTable
from loyalty.activities import ActivityTerms, ActivityType
from loyalty.earning_rules.rule import EarningRule, RuleTerms
from loyalty.money import AMOUNT_LIMIT_MINOR
from loyalty.rewards import Reward, RewardTerms
from sync.http.calls import Call
from sync.http.routes import Answer

routes = RouteTable(tag="program", roles=STAFF)
_ID = frozenset({"id"})


def _declare(path: str, what: str, sort: Definitions[Any], kind: type, terms: type) -> None:
    """The calls that are the same for every sort of definition: one shown, made, ended."""
    one = f"{path}/{{id}}"
    answer = Defined[kind]  # type: ignore[valid-type]

    @routes.get(one, f"One {what}", response=answer, texts=_ID, problems=(404,))
    async def show(door: Door, call: Call[Session, None, None]) -> object:
        return _tagged(200, await door.read(call, show_definition, sort, call.text("id")))

    @routes.put(
        one,
        f"Make or change one {what}",
        body=terms,
        roles=MANAGERS,
        response=answer,
        statuses=(200, 201),
        problems=(409, 412, 428),
        texts=_ID,
        max_body_bytes=1024 * 1024,
    )
    async def put(door: Door, call: Call[Session, Any, None]) -> object:
        name = call.text("id")
        saved, is_new = await door.write(call, put_definition, sort, door.new_id(), name, call.body, call.if_match)
        return _tagged(201 if is_new else 200, saved)

    @routes.delete(one, f"End one {what}", roles=MANAGERS, response=answer, problems=(404, 412, 428), texts=_ID)
    async def end(door: Door, call: Call[Session, None, None]) -> object:
        name = call.text("id")
        return _tagged(200, await door.write(call, end_definition, sort, door.new_id(), name, call.if_match))


def _tagged(status: int, defined: Defined[Any]) -> Answer:
    return Answer(status, defined, {"ETag": etag_of(defined)})


_declare("/v1/earning-rules", "earning rule", RULES, EarningRule, RuleTerms)
_declare("/v1/activity-types", "type of activity", TYPES, ActivityType, ActivityTerms)
_declare("/v1/rewards", "reward", REWARDS, Reward, RewardTerms)


class RewardsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom, and at what bill (none: at one that is large enough): then each reward says whether it can be had."""

    member: UUID | None = None
    bill_minor: Amount = AMOUNT_LIMIT_MINOR


@routes.get("/v1/earning-rules", "List the earning rules", response=DefinedList[EarningRule])
async def rules(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/earning-rules."""
    return await door.read(call, list_definitions, RULES)


@routes.get("/v1/activity-types", "List the types of activity", response=DefinedList[ActivityType])
async def types(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/activity-types."""
    return await door.read(call, list_definitions, TYPES)


@routes.get("/v1/rewards", "List the rewards", roles=SHOPPERS, query=RewardsQuery, response=RewardList)
async def rewards(door: Door, call: Call[Session, None, RewardsQuery]) -> object:
    """GET /v1/rewards. At a kiosk the member is proved first: what can be had tells how many points there are."""
    if call.query.member is not None:
        await need_proof(door, call, call.query.member)
    return await door.read(call, list_rewards, call.query.member, call.query.bill_minor)


@routes.get(
    "/v1/members/{id}/tier",
    "A member's tier and what is missing to the next",
    roles=SHOPPERS,
    response=TierAnswer,
    problems=(403,),
)
async def tier(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/tier."""
    member: UUID = call.id()
    await need_proof(door, call, member)
    return await door.read(call, show_tier, member)


@routes.get("/v1/members/{id}/referrals", "The friends a member brought", response=ReferralList)
async def referrals(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/referrals."""
    return await door.read(call, list_referrals, call.id())


@routes.post(
    "/v1/activities",
    "Record an activity that brings points",
    roles=SHOPPERS,
    body=RecordActivity,
    response=ActivityAnswer,
    statuses=(201, 200),
    problems=(403, 409, 503),
)
async def record(door: Door, call: Call[Session, RecordActivity, None]) -> object:
    """POST /v1/activities."""
    door.slow_down_kiosk(call)
    return await door.write(call, record_activity, call.body)
