"""pure: what can go wrong with paper, readable by a cashier.

The same shape as every problem of the service: the docstring is what the cashier reads, `code` is what a program may
rely on for ever, `hint` is the next step, `status` the HTTP status of the problem answer (RFC 9457).

    PrinterProblem
    ├── PrinterUnreachable    503  nothing answers at its address          (nothing was sent, tried again by itself)
    ├── PrinterSilent         503  connected, but it does not answer       (nothing was sent, tried again by itself)
    ├── PaperOut              503  no paper                                (goes on by itself after the refill)
    ├── CoverOpen             503  the cover is open                       (goes on by itself once closed)
    ├── PrinterOffline        503  an error light, or its own offline key  (goes on by itself once cleared)
    ├── OutcomeUnknown        503  bytes went out, no answer came back     (a person looks at the paper)
    ├── PrintJobStale         409  waited too long, not wanted any more    (a person asks for a reprint)
    ├── PrintJobConflict      409  the same id came with other content
    ├── PrintJobState         409  the job is in a state that forbids it
    ├── Unprintable           422  it cannot be put on this paper
    │   └── UnreadableContent 422  the stored content is not one this release knows
    ├── UnknownPrintJob       404
    ├── UnknownProfile        422  no such printer model
    └── PrintingFailed        500  a fault of ours while making the paper
"""

from typing import ClassVar


class PrinterProblem(Exception):
    """Something went wrong with the printer."""

    code: ClassVar[str] = "printer_problem"
    hint: ClassVar[str] = "The sale is saved. Look at the printer, then ask for a reprint."
    status: ClassVar[int] = 503

    def __init__(self, detail: str = "", *, pointer: str | None = None, **extra: object) -> None:
        """`detail` says what exactly; `pointer` is a JSON Pointer (RFC 6901) into the request; `extra` joins the
        answer.
        """
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.pointer = pointer
        self.extra = extra

    @classmethod
    def title(cls) -> str:
        """The first line of the class docstring: one sentence a cashier could read."""
        return (cls.__doc__ or cls.code).strip().splitlines()[0]


class PrinterUnreachable(PrinterProblem):
    """The printer cannot be reached."""

    code, hint, status = (
        "printer_unreachable",
        "Check that it is switched on and its cable is in. It goes on by itself.",
        503,
    )


class PrinterSilent(PrinterProblem):
    """The printer is connected but does not answer."""

    code, hint, status = (
        "printer_silent",
        "Switch it off and on again. Nothing was printed yet; it goes on by itself.",
        503,
    )


class PaperOut(PrinterProblem):
    """The printer has no paper."""

    code, hint, status = "paper_out", "Put in a new roll. Printing goes on by itself, nothing is lost.", 503


class CoverOpen(PrinterProblem):
    """The cover of the printer is open."""

    code, hint, status = "cover_open", "Close the cover. Printing goes on by itself, nothing is lost.", 503


class PrinterOffline(PrinterProblem):
    """The printer reports that it cannot print."""

    code, hint, status = "printer_offline", "Look at its error light, clear it, then press its feed key once.", 503


class OutcomeUnknown(PrinterProblem):
    """The connection broke while printing: the paper may or may not be complete."""

    code, hint, status = (
        "print_outcome_unknown",
        "Look at the paper. If it is missing or cut short, ask for a reprint.",
        503,
    )


class PrintJobStale(PrinterProblem):
    """The print waited so long that nobody stands there for it any more."""

    code, hint, status = "print_job_stale", "It was not printed. Ask for a reprint if somebody wants it.", 409


class PrintJobConflict(PrinterProblem):
    """This print id was used before for something else."""

    code, hint, status = "print_job_conflict", "Nothing was changed. A new print needs a new id.", 409


class PrintJobState(PrinterProblem):
    """The print is in a state that does not allow this."""

    code, hint, status = "print_job_state", "Look at its present state first.", 409


class Unprintable(PrinterProblem):
    """This cannot be put on paper here without losing something."""

    code, hint, status = (
        "unprintable",
        "Correct the text named here (often one character of a name), then ask for a reprint.",
        422,
    )


class UnreadableContent(Unprintable):
    """The stored print is not one this release can read."""

    code, hint, status = "unreadable_content", "Print it again from the sale itself.", 422


class UnknownPrintJob(PrinterProblem):
    """There is no such print."""

    code, hint, status = (
        "unknown_print_job",
        "It may be older than the days prints are kept. Print it from the sale.",
        404,
    )


class UnknownProfile(PrinterProblem):
    """There is no such printer model."""

    code, hint, status = "unknown_profile", "Use one of the profile names listed in the message.", 422


class PrintingFailed(PrinterProblem):
    """The paper could not be made because of a fault in the service."""

    code, hint, status = (
        "printing_failed",
        "The sale is saved. Report the reason shown here and ask for a reprint.",
        500,
    )
