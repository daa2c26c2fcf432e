"""The app in a member's phone, as far as a shop sees it."""

from loyalty.one_time_codes import make_code, step_of


def make_rotating(card: str, secret: bytes, now_ms: int) -> str:
    """The text of the QR that it shows now."""
    return card + make_code(secret, step_of(now_ms))
