"""sql: operators, devices and tokens as they lie in the tables. Tokens lie there as SHA-256 only."""

from uuid import UUID

from msgspec import Struct

from kiosk.identity.people import DeviceAnswer, DeviceNotFound, OperatorAnswer, OperatorNotFound
from kiosk.shifts.business_day import utc_text
from loyalty.transactions import Row, Tx


class OperatorRow(Struct, frozen=True, kw_only=True):
    """An operator with the LOCAL half. `pin_hash` is None for one whose secrets were lost with the old disk: a manager
    sets a new PIN. `locked_until` is milliseconds since 1970 UTC."""

    id: str
    role: str
    active: bool
    name: str
    pin_hash: str | None
    failures: int
    locked_until: int
    revision: int


class TokenRow(Struct, frozen=True, kw_only=True):
    """A token that holds. `operator` and `expires_at` are None for a device's own token."""

    hash: bytes
    device: UUID
    till: str
    operator: str | None
    role: str
    expires_at: int | None


def read_operator(tx: Tx, operator: str) -> OperatorRow | None:
    """The operator of this id, or None."""
    row = tx.execute(
        "SELECT operator.id, role, active, name, pin_hash, failures, locked_until, revision FROM operator"
        " LEFT JOIN operator_secret ON operator_secret.id = operator.id WHERE operator.id = ?",
        (operator,),
    ).fetchone()
    return _operator(row) if row else None


def find_operator(tx: Tx, operator: str) -> OperatorRow:
    """The operator of the path. Raises OperatorNotFound."""
    row = read_operator(tx, operator)
    if row is None:
        raise OperatorNotFound
    return row


def read_operators_page(tx: Tx, after: str, limit: int) -> list[OperatorRow]:
    """Up to `limit` operators by id, beginning after the id `after`."""
    rows = tx.execute(
        "SELECT operator.id, role, active, name, pin_hash, failures, locked_until, revision FROM operator"
        " LEFT JOIN operator_secret ON operator_secret.id = operator.id WHERE operator.id > ?"
        " ORDER BY operator.id LIMIT ?",
        (after, limit),
    )
    return [_operator(row) for row in rows]


def count_other_managers(tx: Tx, operator: str) -> int:
    """How many active managers there are beside `operator`."""
    row = tx.execute(
        "SELECT count(*) FROM operator WHERE role = 'manager' AND active = 1 AND id <> ?", (operator,)
    ).fetchone()
    return int(row[0]) if row else 0


def write_secret(tx: Tx, operator: str, name: str, pin_hash: str | None) -> None:
    """Set an operator's name, and with a new PIN forget the failures. An operator without a PIN cannot sign in."""
    tx.execute(
        "INSERT INTO operator_secret (id, name, pin_hash, failures, locked_until, revision) VALUES (?, ?, ?, 0, 0, 1)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, revision = revision + 1",
        (operator, name, pin_hash or ""),
    )
    if pin_hash is not None:
        tx.execute(
            "UPDATE operator_secret SET pin_hash = ?, failures = 0, locked_until = 0 WHERE id = ?",
            (pin_hash, operator),
        )


def write_failures(tx: Tx, operator: str, failures: int, locked_until: int) -> None:
    """Set how often the PIN was wrong, and until when it is locked."""
    tx.execute(
        "UPDATE operator_secret SET failures = ?, locked_until = ? WHERE id = ?", (failures, locked_until, operator)
    )


def write_nothing(tx: Tx) -> None:
    """Write as much as a counted failure does, for an operator who does not exist: it must take as long."""
    tx.execute(
        "UPDATE operator_secret SET failures = failures WHERE id = (SELECT min(id) FROM operator_secret)",
    )


def add_token(tx: Tx, token: TokenRow, now_ms: int) -> None:
    """Remember a token, and forget those that are over."""
    tx.execute("DELETE FROM token WHERE expires_at <= ?", (now_ms,))
    tx.execute(
        "INSERT INTO token (hash, device, operator, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        (token.hash, token.device.bytes, token.operator, token.role, now_ms, token.expires_at),
    )


def end_sign_ins(tx: Tx, device: UUID) -> None:
    """End whoever is signed in on a device. The device's own token stays, and so does a standing sign-in without an
    end."""
    tx.execute(
        "DELETE FROM token WHERE device = ? AND operator IS NOT NULL AND expires_at IS NOT NULL", (device.bytes,)
    )


def end_operator(tx: Tx, operator: str) -> None:
    """End an operator's sign-ins on all devices."""
    tx.execute("DELETE FROM token WHERE operator = ?", (operator,))


def end_device(tx: Tx, device: UUID) -> None:
    """End every token of a device."""
    tx.execute("DELETE FROM token WHERE device = ?", (device.bytes,))


def end_token(tx: Tx, token_hash: bytes) -> None:
    """End one sign-in."""
    tx.execute("DELETE FROM token WHERE hash = ? AND operator IS NOT NULL", (token_hash,))


def read_tokens(tx: Tx, now_ms: int) -> list[TokenRow]:
    """Every token that holds at `now_ms`."""
    rows = tx.execute(
        "SELECT hash, token.device, till, operator, role, expires_at FROM token JOIN device ON device.id = token.device"
        " WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
        (now_ms,),
    )
    return [
        TokenRow(hash=token, device=UUID(bytes=device), till=till, operator=operator, role=role, expires_at=expires_at)
        for token, device, till, operator, role, expires_at in rows
    ]


def count_devices(tx: Tx, kind: str) -> int:
    """How many devices of a kind were ever paired; a revoked one counts, since its till's numbers are on paper."""
    row = tx.execute("SELECT count(*) FROM device WHERE kind = ?", (kind,)).fetchone()
    return int(row[0]) if row else 0


def read_devices_page(tx: Tx, after: str, limit: int) -> list[DeviceAnswer]:
    """Up to `limit` devices by till, beginning after the till `after`."""
    rows = tx.execute(
        "SELECT id, name, kind, till, paired_at, revoked_at FROM device WHERE till > ? ORDER BY till LIMIT ?",
        (after, limit),
    )
    return [_device(row) for row in rows]


def revoke_device(tx: Tx, device: UUID, now_ms: int) -> None:
    """Mark a device as revoked; the first time counts. Raises DeviceNotFound."""
    changed = tx.execute(
        "UPDATE device SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (now_ms, device.bytes)
    ).rowcount
    if not changed:
        raise DeviceNotFound


def answer_operator(row: OperatorRow) -> OperatorAnswer:
    """An operator as managers see it."""
    return OperatorAnswer(id=row.id, name=row.name, role=row.role, active=row.active, revision=row.revision)


def _operator(row: Row) -> OperatorRow:
    operator, role, active, name, pin_hash, failures, locked_until, revision = row
    return OperatorRow(
        id=operator,
        role=role,
        active=bool(active),
        name=name if name is not None else operator,
        pin_hash=pin_hash or None,
        failures=failures or 0,
        locked_until=locked_until or 0,
        revision=revision or 0,
    )


def _device(row: Row) -> DeviceAnswer:
    device, name, kind, till, paired_at, revoked_at = row
    return DeviceAnswer(
        id=UUID(bytes=device),
        name=name,
        kind=kind,
        till=till,
        paired_at=utc_text(paired_at),
        revoked_at=utc_text(revoked_at) if revoked_at is not None else None,
    )
