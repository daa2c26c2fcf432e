"""What a caller reads when something goes wrong."""

import json

import pytest

from loyalty.errors import Conflict, IdConflict, InvalidInput, NotFound
from sync.http.problems import DETAIL_MAX_CHARACTERS, FieldError, TooManyRequests, Unauthorized, problem_of


def test_a_problem_of_another_package_needs_no_common_base() -> None:
    class PaperOut(Exception):
        """The printer has no paper."""

        code, hint, status = "paper_out", "Load a roll.", 409

    answer = problem_of(PaperOut(), "a1-1")
    assert answer.status == 409
    assert json.loads(answer.body) == {
        "type": "/problems/paper_out",
        "title": "The printer has no paper.",
        "status": 409,
        "detail": "The printer has no paper.",
        "code": "paper_out",
        "hint": "Load a roll.",
        "errors": [],
        "instance": "a1-1",
    }


@pytest.mark.parametrize("error", [RuntimeError("secret"), KeyError("secret"), OSError(28, "secret"), SystemExit(2)])
def test_anything_else_is_an_internal_error_that_says_nothing(error: BaseException) -> None:
    answer = problem_of(error, "a1-1")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert json.loads(answer.body)["code"] == "internal_error"


def test_an_exception_that_only_looks_like_a_problem_is_internal() -> None:
    class Odd(Exception):
        code, hint, status = "odd", "Look.", 200

    assert problem_of(Odd(), "i").status == 500


def test_extra_members_join_but_never_replace() -> None:
    details = json.loads(problem_of(Conflict("Open a shift.", status=200, type="x", till="T01"), "i").body)
    assert (details["status"], details["type"], details["till"]) == (409, "/problems/conflict", "T01")


def test_a_pointer_becomes_the_list_of_errors() -> None:
    details = json.loads(problem_of(InvalidInput("Too small.", pointer="/points"), "i").body)
    assert details["errors"] == [{"pointer": "/points", "detail": "Too small."}]


def test_several_errors_are_all_named() -> None:
    class Form(InvalidInput):
        """The form is wrong."""

        errors = (FieldError("/name", "Too long."), FieldError("/phone", "No number."))

    details = json.loads(problem_of(Form(), "i").body)
    assert [error["pointer"] for error in details["errors"]] == ["/name", "/phone"]


def test_a_detail_is_never_longer_than_a_person_reads() -> None:
    details = json.loads(problem_of(InvalidInput("x" * 100_000, pointer="/a"), "i").body)
    assert len(details["detail"]) == DETAIL_MAX_CHARACTERS
    assert details["errors"][0]["detail"] == details["detail"]


def test_headers_travel_with_the_problem() -> None:
    assert problem_of(TooManyRequests(7), "i").headers == {"Retry-After": "7"}
    assert problem_of(Unauthorized(), "i").headers == {"WWW-Authenticate": 'Bearer realm="counterfoil"'}
    assert 'error="invalid_token"' in problem_of(Unauthorized(token_was_sent=True), "i").headers["WWW-Authenticate"]
    assert problem_of(NotFound(), "i").headers == {}


def test_the_first_line_of_a_class_is_its_title() -> None:
    assert json.loads(problem_of(IdConflict("x"), "i").body)["title"] == "This id was used before for something else."
