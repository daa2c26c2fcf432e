"""sql: every token that holds, by the SHA-256 of it: those of stores and those of people in the office."""

from typing import NamedTuple

from loyalty.transactions import Tx


class TokenRow(NamedTuple):
    """Who holds a token. `holder` is a store's id in hexadecimal digits, or the name of a user."""

    role: str
    holder: str
    generation: int


def add_token(tx: Tx, token_hash: bytes, row: TokenRow, issued_at: int, expires_at: int | None) -> None:
    """Let this token in until `expires_at` (milliseconds since 1970 UTC; None: until it is deleted)."""
    tx.execute(
        "INSERT INTO hub_token (hash, role, holder, generation, issued_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        (token_hash, row.role, row.holder, row.generation, issued_at, expires_at),
    )


def find_token(tx: Tx, token_hash: bytes, now_ms: int) -> TokenRow | None:
    """Who holds this token now. A user's token ends with the user, and with whatever ended the user's earlier ones."""
    row = tx.execute(
        "SELECT role, holder, generation, expires_at FROM hub_token WHERE hash = ?", (token_hash,)
    ).fetchone()
    if row is None or (row[3] is not None and row[3] <= now_ms):
        return None
    found = TokenRow(row[0], row[1], row[2])
    if found.role == "store":
        return found
    user = tx.execute("SELECT role, active, generation FROM office_user WHERE name = ?", (found.holder,)).fetchone()
    if user is None or not user[1] or found.generation != user[2]:
        return None
    # The role of now: whoever lost a right loses it with the next request.
    return found._replace(role=user[0])


def end_token(tx: Tx, token_hash: bytes) -> None:
    """This token lets nobody in any longer."""
    tx.execute("DELETE FROM hub_token WHERE hash = ?", (token_hash,))


def drop_ended(tx: Tx, now_ms: int) -> None:
    """Forget tokens whose time is over."""
    ended = tx.execute("SELECT hash FROM hub_token WHERE expires_at <= ? ORDER BY hash", (now_ms,)).fetchall()
    tx.executemany("DELETE FROM hub_token WHERE hash = ?", ended)
