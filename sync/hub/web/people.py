"""edge: signing in at head office, and who may."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from sync.http.auth import hash_token, read_bearer
from sync.http.calls import Call
from sync.http.routes import PUBLIC, Answer
from sync.http.table import RouteTable
from sync.hub import users
from sync.hub.door import HEAD_OFFICE, OFFICE, Door, OfficeSession, Session
from sync.hub.problems import WrongPassword
from sync.hub.times import utc_text
from sync.hub.tokens import end_token

routes = RouteTable(tag="people")
_HOUR_MS = 3_600_000


class OfficeSignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A user of head office and the password."""

    user: Annotated[str, Meta(max_length=100)]
    password: Annotated[str, Meta(max_length=200)]


class OfficeSignedIn(Struct, frozen=True, kw_only=True):
    """The token to send with everything that follows. `head_office` is the name of this head office."""

    token: str
    head_office: str
    user: str
    role: str
    expires_at: str


class SaveUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user of head office. Without `password` the present one stays; `active` false closes the user."""

    role: Literal["head_office", "viewer"]
    password: Annotated[str, Meta(max_length=200)] | None = None
    active: bool = True


class UserAnswer(Struct, frozen=True, kw_only=True):
    """Somebody who may sign in, or might again."""

    user: str
    role: str
    active: bool


class UserList(Struct, frozen=True):
    """All users. They are so few that there is one page."""

    items: list[UserAnswer]
    next: str | None = None


@routes.post(
    "/v1/sign-ins",
    "Sign in at head office",
    body=OfficeSignIn,
    response=OfficeSignedIn,
    roles=PUBLIC,
    statuses=(201,),
    problems=(423,),
    sensitive=True,
)
async def sign_in(door: Door, call: Call[Session, OfficeSignIn, None]) -> object:
    """POST /v1/sign-ins: the try is counted first, then the password compared."""
    limits = users.PasswordLimits(door.settings.password_attempts, door.settings.password_lock_minutes)
    name, now_ms, token = users.fold_name(call.body.user), door.now_ms(), door.new_token()
    attempt = await door.write(lambda tx: users.begin_attempt(tx, name, limits, now_ms))
    if not await door.pins.matches(attempt.password_hash, call.body.password):
        raise WrongPassword
    expires_at = now_ms + door.settings.office_hours * _HOUR_MS
    role = await door.write(lambda tx: users.sign_in(tx, attempt, hash_token(token), now_ms, expires_at))
    return OfficeSignedIn(
        token=token, head_office=door.settings.name, user=name, role=role, expires_at=utc_text(expires_at)
    )


@routes.delete("/v1/sign-ins", "Sign out", roles=OFFICE, statuses=(204,))
async def sign_out(door: Door, call: Call[Session, None, None]) -> object:
    """DELETE /v1/sign-ins: the token that is sent ends."""
    token_hash = read_bearer(call.request.headers.get("Authorization"))
    await door.write(lambda tx: end_token(tx, token_hash))
    return Answer(204)


@routes.get("/v1/users", "Who may sign in at head office", roles=HEAD_OFFICE, response=UserList)
async def list_users(door: Door, _call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/users."""
    rows = await door.read(users.list_users)
    return UserList([UserAnswer(user=row.name, role=row.role, active=row.active) for row in rows])


@routes.put(
    "/v1/users/{user}",
    "Add a user, or change role or password",
    body=SaveUser,
    response=UserAnswer,
    roles=HEAD_OFFICE,
    problems=(409,),
)
async def save_user(door: Door, call: Call[OfficeSession, SaveUser, None]) -> object:
    """PUT /v1/users/{user}. Whoever is changed has to sign in again."""
    name, body = call.text("user"), call.body
    users.check_user(name, body.password if body.password is not None else "x" * 10)
    hashed = await door.pins.hash(body.password) if body.password is not None else None
    await door.write(lambda tx: users.save_user(tx, name, body.role, hashed, active=body.active))
    return UserAnswer(user=name, role=body.role, active=body.active)
