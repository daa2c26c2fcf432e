"""One call from stored bytes to paper, the same in a helper process."""

import concurrent.futures
import multiprocessing
import pickle

import pytest

from printers.contents import encode_content
from printers.errors import UnknownProfile, Unprintable, UnreadableContent
from printers.render import MEDIA_TYPES, Form, render
from tests.printers.samples import JAPANESE, KOREAN, POLISH


def test_a_helper_process_renders_the_same_bytes_and_sends_its_refusals_back() -> None:
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as helper:
        for content, form in ((POLISH, "bin"), (KOREAN, "png"), (JAPANESE, "txt")):
            stored = encode_content(content)
            assert helper.submit(render, stored, "epson-80mm", form, 1).result(60) == render(
                stored, "epson-80mm", form, 1
            )
        with pytest.raises(UnreadableContent, match="cannot be read"):
            helper.submit(render, b"{}", "epson-80mm", "bin", 0).result(60)


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_a_copy_differs_from_the_original_in_every_form(form: Form) -> None:
    stored = encode_content(POLISH)
    assert render(stored, "virtual", form, 1) != render(stored, "virtual", form, 0)
    assert render(stored, "virtual", form, 1) != render(stored, "virtual", form, 2)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownProfile):
        render(encode_content(POLISH), "typewriter")


def test_a_refusal_survives_the_way_between_processes() -> None:
    problem = pickle.loads(pickle.dumps(Unprintable("No font.", pointer="/lines/0", character="x")))
    assert (problem.code, problem.detail, problem.pointer, problem.extra) == (
        "unprintable",
        "No font.",
        "/lines/0",
        {"character": "x"},
    )
