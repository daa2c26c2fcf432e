"""pure: what a member shows to spend points: a code from the phone, a PIN, or a manager's word; and why it is refused.

A card number identifies and earns. Who photographed it must not be able to spend.

    >>> read_proof("4711")
    Shown(kind='pin', value='4711', card=None)
    >>> read_proof(Proof("code", "94287082"))
    Shown(kind='code', value='94287082', card=None)
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.identity.people import Pin
from loyalty.errors import Conflict, Forbidden, InvalidInput, Problem
from loyalty.identity import read_card, read_digits
from loyalty.one_time_codes import CODE_DIGITS, read_rotating

ProofKind = Literal["code", "pin", "approval", "session"]
ProofText = Annotated[str, Meta(min_length=1, max_length=200)]

PROOF_HEADER = "Member-Proof"
SESSION_MINUTES = 3
_PIN_DIGITS = range(4, 13)


class ProofNeeded(InvalidInput):
    """Spending points needs a proof that the member is here."""

    code, hint = "proof_needed", "Scan the code in the member's phone, let the member type the PIN, or ask a manager."


class ProofUnreadable(InvalidInput):
    """This is neither a rotating code nor a PIN."""

    code, hint = "proof_unreadable", "Scan the code in the member's phone again, or let the member type the PIN."


class CardProvesNothing(InvalidInput):
    """A card says who the member is, but anybody can copy it: points are not spent with it."""

    code, hint = "card_proves_nothing", "Scan the changing code in the member's phone, or let the member type the PIN."


class CodeWrong(InvalidInput):
    """This code is wrong."""

    code = "code_wrong"
    hint = "Let the phone show a new code and scan that. Always wrong: compare the clocks of the phone and the store."


class CodeUsed(InvalidInput):
    """This code was used already; each one works once."""

    code, hint = "code_used", "Wait until the phone shows the next code, at most half a minute, and scan that."


class CodeOfOtherTime(InvalidInput):
    """This code belongs to another moment: it is an old picture, or one of the clocks is wrong."""

    code = "code_of_other_time"
    hint = "Let the phone show a new code. Refused again: set the clock of the phone or of the store, or use the PIN."


class ClockBehind(Conflict):
    """The store's clock is behind what it wrote itself, so no code can be checked."""

    code, hint = "clock_behind", "Set the store's clock. Until then use the PIN or a manager's approval."


class CodeOfAnother(InvalidInput):
    """This code is another member's."""

    code, hint = "code_of_another", "Scan the code of the member whose points are spent, or change the member."


class FactorMissing(InvalidInput):
    """This member has set up no such proof."""

    code, hint = "factor_missing", "Use the other one, PIN or code, or ask a manager; then set it up at the till."


class MemberPinWrong(InvalidInput):
    """The member's PIN is wrong."""

    code, hint = "member_pin_wrong", "Let the member type it again slowly; after a few wrong ones it is locked."


class ProofLocked(Problem):
    """Too many wrong PINs or codes were tried for this member."""

    code, status = "proof_locked", 423
    hint = "Wait until the time is over, or ask a manager to approve it."

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} s.", retry_after_s=retry_after_s)
        self.headers = {"Retry-After": str(retry_after_s)}


class SessionEnded(Forbidden):
    """The member's proof on this screen is over."""

    code, hint = "proof_ended", "Scan the code in the phone, or type the PIN, once more."


class FactorProofNeeded(Forbidden):
    """Somebody else could set a PIN or a code here and spend the member's points."""

    code = "factor_proof_needed"
    hint = "Prove the member by the present PIN or code, or ask a manager. A new member sets it right after joining."


class Proof(Struct, frozen=True, forbid_unknown_fields=True):
    """`code`: the rotating text or its 8 digits; `pin`; `approval`: of POST /v1/approvals for redeem; `session`: of
    POST /v1/members/{id}/proofs."""

    kind: ProofKind
    value: ProofText


class SetPin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/members/{id}/pin. `proof` is the present PIN or code, or a manager's approval."""

    pin: Pin
    proof: Proof | ProofText | None = None


class SetUpCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/{id}/code-secrets."""

    proof: Proof | ProofText | None = None


class OpenProof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/{id}/proofs."""

    proof: Proof | ProofText


class FactorsAnswer(Struct, frozen=True, kw_only=True):
    """Which proofs a member has set up."""

    id: UUID
    has_pin: bool
    has_code: bool


class CodeSecretAnswer(FactorsAnswer, frozen=True, kw_only=True):
    """`uri` is shown as a QR once and scanned with the member's phone; it cannot be asked for again, only replaced."""

    uri: str


class Shown(Struct, frozen=True):
    """A proof as it was read. `card` is whose phone showed a code, None where only the digits were typed."""

    kind: ProofKind
    value: str
    card: str | None = None


class CheckedProof(Struct, frozen=True):
    """A proof after the edge looked at it, before the points are touched. Once a code is right its `value` is the code,
    of a PIN it is the hash that matched, else the token. `owner` is the member whose secret it is: the member itself or
    one merged into it. With a `problem` it proves nothing; it is raised where the proof is needed and not before, so
    that a repeated request still gets its first answer."""

    kind: ProofKind
    owner: UUID
    value: str
    problem: Problem | None = None


def read_proof(proof: Proof | str | None) -> Shown:
    """What a proof is. A plain text is what was scanned or typed: a rotating code, or a PIN.

    Raises ProofNeeded, ProofUnreadable, CardProvesNothing.
    """
    if proof is None:
        raise ProofNeeded(pointer="/proof")
    kind, text = (None, proof) if isinstance(proof, str) else (proof.kind, proof.value)
    if kind in ("approval", "session"):
        return Shown(kind, text)
    rotating = read_rotating(text)
    if rotating is not None and kind != "pin":
        return Shown("code", rotating.code, rotating.card)
    if read_card(text) is not None:
        raise CardProvesNothing(pointer="/proof")
    digits = read_digits(text)
    if digits is not None and kind == "code" and len(digits) == CODE_DIGITS:
        return Shown("code", digits)
    if digits is not None and kind != "code" and len(digits) in _PIN_DIGITS:
        return Shown("pin", digits)
    raise ProofUnreadable(pointer="/proof")
