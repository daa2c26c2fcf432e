"""pure: the shape of everything that can go wrong, readable by a cashier.

An error is a class. Its docstring is what the cashier reads, `code` is what a program may rely on for ever, `hint` is
the
next step, `status` the HTTP status of the problem answer (RFC 9457). Packages below kiosk need no common base: whatever
carries these four attributes is a problem.

    Problem
    ├── InvalidInput          422  a value that cannot be right
    │   └── WrongCurrency     422
    ├── NotFound              404  the thing named in the path does not exist
    ├── Conflict              409  the state of the shop forbids it now
    │   └── IdConflict        409  the same id came with another content
    └── Forbidden             403  signed in, but not allowed
"""

from typing import ClassVar


class Problem(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "problem"
    hint: ClassVar[str] = "Call the manager."
    status: ClassVar[int] = 422

    def __init__(self, detail: str = "", *, pointer: str | None = None, **extra: object) -> None:
        """`detail` says what exactly; `pointer` is a JSON Pointer (RFC 6901) into the request; `extra` joins the
        answer."""
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.pointer = pointer
        self.extra = extra

    @classmethod
    def title(cls) -> str:
        """The first line of the class docstring: one sentence a cashier could read."""
        return (cls.__doc__ or cls.code).strip().splitlines()[0]


class InvalidInput(Problem):
    """A value in the request cannot be right."""

    code, hint, status = "invalid_input", "Correct the marked field and send it again.", 422


class WrongCurrency(InvalidInput):
    """The amount is in another currency than this store's."""

    code, hint = "wrong_currency", "Use the currency of the store, shown at /v1/store."


class NotFound(Problem):
    """There is no such thing here."""

    code, hint, status = "not_found", "Check the number or the code and try again.", 404


class Conflict(Problem):
    """The state of the shop does not allow this now."""

    code, hint, status = "conflict", "Reload and look at the present state first.", 409


class IdConflict(Conflict):
    """This id was used before for something else."""

    code = "id_conflict"
    hint = "Nothing was changed. A new action needs a new id; a retry must repeat the same content."


class Forbidden(Problem):
    """You may not do this."""

    code, hint, status = "forbidden", "Ask a manager to do it or to approve it.", 403
