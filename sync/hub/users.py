"""sql: the people of head office who may sign in, and how their passwords are guarded.

`head_office` changes things, `viewer` reads them. A wrong password counts before it is compared, so that trying many at
once gains nothing; each further lock lasts twice as long as the one before.
"""

import re
import unicodedata
from typing import NamedTuple

from loyalty.transactions import Row, Tx
from sync.hub.problems import LastHeadOfficeUser, UserLocked, UserUnfit, WrongPassword
from sync.hub.tokens import TokenRow, add_token

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_PASSWORD_LENGTHS = range(10, 201)
_LONGEST_LOCK_MS = 24 * 3_600_000
_MINUTE_MS = 60_000


class UserRow(NamedTuple):
    """Somebody who may sign in. `password_hash` is an argon2id text."""

    name: str
    role: str
    active: bool
    password_hash: str
    failures: int
    locked_until: int
    generation: int


class PasswordLimits(NamedTuple):
    """How many wrong passwords lock a user, and for how long the first time."""

    attempts: int
    lock_minutes: int

    def lock_ms(self, failures: int) -> int:
        """How long the lock lasts that these failures bring."""
        doublings = min(max(failures // self.attempts - 1, 0), 20)
        return min(self.lock_minutes * _MINUTE_MS << doublings, _LONGEST_LOCK_MS)


class Attempt(NamedTuple):
    """A counted try: the user as typed, and what to compare with (None: there is no such user)."""

    name: str
    password_hash: str | None


def check_user(name: str, password: str) -> None:
    """Raises UserUnfit for a name or a password that cannot be used."""
    if not _NAME.fullmatch(name):
        raise UserUnfit("This is no name of a user.", pointer="/user")
    if len(password) not in _PASSWORD_LENGTHS or not password.isprintable():
        raise UserUnfit("This is no password.", pointer="/password")


def fold_name(name: str) -> str:
    """A name as it is looked up, however it was typed."""
    return unicodedata.normalize("NFKC", name).strip().lower()[:40]


def save_user(tx: Tx, name: str, role: str, password_hash: str | None, *, active: bool = True) -> None:
    """Add or change a user. Without a password hash the old one stays. Every token given before ends.

    Raises UserUnfit for a new user without a password, LastHeadOfficeUser.
    """
    known = find_user(tx, name)
    if known is None and password_hash is None:
        raise UserUnfit("A new user needs a password.", pointer="/password")
    if known is not None and known.role == "head_office" and not (active and role == "head_office"):
        row = tx.execute(
            "SELECT COUNT(*) FROM office_user WHERE role = 'head_office' AND active = 1 AND name <> ?", (name,)
        ).fetchone()
        if row is None or row[0] == 0:
            raise LastHeadOfficeUser
    tx.execute(
        "INSERT INTO office_user (name, role, active, password_hash, failures, locked_until, generation)"
        " VALUES (?, ?, ?, ?, 0, 0, 1) ON CONFLICT (name) DO UPDATE SET role = excluded.role,"
        " active = excluded.active, password_hash = excluded.password_hash, failures = 0, locked_until = 0,"
        " generation = office_user.generation + 1",
        (name, role, int(active), password_hash or (known.password_hash if known else "")),
    )


def find_user(tx: Tx, name: str) -> UserRow | None:
    """A user by name."""
    row = tx.execute(
        "SELECT name, role, active, password_hash, failures, locked_until, generation FROM office_user WHERE name = ?",
        (name,),
    ).fetchone()
    return _read(row) if row else None


def list_users(tx: Tx) -> list[UserRow]:
    """Everybody who may or might sign in."""
    rows = tx.execute(
        "SELECT name, role, active, password_hash, failures, locked_until, generation FROM office_user ORDER BY name"
    ).fetchall()
    return [_read(row) for row in rows]


def begin_attempt(tx: Tx, name: str, limits: PasswordLimits, now_ms: int) -> Attempt:
    """Count a try to give a user's password, before it is looked at. Raises UserLocked."""
    user = find_user(tx, name)
    if user is None or not user.active:
        return Attempt(name, None)
    left_ms = user.locked_until - now_ms
    # A lock longer than any can be was set before the clock was put back.
    if 0 < left_ms <= limits.lock_ms(user.failures):
        raise UserLocked(-(-left_ms // 1000))
    row = tx.execute(
        "UPDATE office_user SET failures = failures + 1 WHERE name = ? RETURNING failures", (name,)
    ).fetchone()
    failures = int(row[0]) if row else 1
    if failures % limits.attempts == 0:
        tx.execute("UPDATE office_user SET locked_until = ? WHERE name = ?", (now_ms + limits.lock_ms(failures), name))
    return Attempt(name, user.password_hash)


def sign_in(tx: Tx, attempt: Attempt, token_hash: bytes, now_ms: int, expires_at: int) -> str:
    """Let the user in after the password was found right; the role. Raises WrongPassword should the user have changed
    since the try was counted."""
    user = find_user(tx, attempt.name)
    if user is None or not user.active or user.password_hash != attempt.password_hash:
        raise WrongPassword
    tx.execute("UPDATE office_user SET failures = 0, locked_until = 0 WHERE name = ?", (user.name,))
    add_token(tx, token_hash, TokenRow(user.role, user.name, user.generation), now_ms, expires_at)
    return user.role


def _read(row: Row) -> UserRow:
    return UserRow(row[0], row[1], bool(row[2]), *row[3:])
