"""The shop's own file over config.toml: every wrong key and value refuses to start and says what was probably meant."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest

from kiosk.compose import make_terms
from kiosk.config import Config, ConfigWrong, load_config


def list_keys() -> list[str]:
    """Every key as section.name."""
    sections = get_type_hints(Config)
    return [
        f"{section}.{field}"
        for section, kind in sections.items()
        if section not in ("folder", "file")
        for field in kind.__struct_fields__
    ]


def load(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "store.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def test_the_defaults_alone_make_a_store() -> None:
    config = load_config()
    assert config.store.code == "S001"
    assert config.http.port == 8080
    assert make_terms(config).currency == "EUR"


def test_commands_name_the_shops_own_file_and_none_where_there_is_none(tmp_path: Path) -> None:
    words = "Run: counterfoil restore FILE --config FILE"
    assert load_config().name_in_commands(words) == "Run: counterfoil restore FILE"
    folder = tmp_path / "a shop"
    folder.mkdir()
    assert load(folder, "").name_in_commands(words) == f"Run: counterfoil restore FILE --config '{folder}/store.toml'"


def test_the_shops_file_needs_only_what_differs(tmp_path: Path) -> None:
    config = load(tmp_path, '[store]\ncode = "KR7"\n[http]\nport = 0\n')
    default = load_config()
    assert (config.store.code, config.http.port) == ("KR7", 0)
    assert (config.store.name, config.tax, config.printing) == (default.store.name, default.tax, default.printing)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    config, default = load(tmp_path, ""), load_config()
    for section in {key.partition(".")[0] for key in list_keys()}:
        assert getattr(config, section) == getattr(default, section)


def test_a_list_is_replaced_as_a_whole(tmp_path: Path) -> None:
    config = load(tmp_path, '[tax]\nrates = [{ class = "standard", valid_from = "2026-01-01", rate = "10" }]\n')
    assert [(rate.tax_class, rate.rate) for rate in config.tax.rates] == [("standard", "10")]


def test_relative_paths_start_where_the_file_lies(tmp_path: Path) -> None:
    assert load(tmp_path, '[store]\ndata_dir = "shop/data"\n').data_dir() == tmp_path / "shop" / "data"
    assert load(tmp_path, f'[store]\ndata_dir = "{tmp_path}/x"\n').data_dir() == tmp_path / "x"


UNKNOWN = [
    ('[store]\nnmae = "x"', "Unknown key store.nmae. Did you mean name?"),
    ('[stor]\nname = "x"', "Unknown key stor. Did you mean store?"),
    ("[http]\nprot = 1", "Unknown key http.prot. Did you mean port?"),
    ("[maintenance]\nverify_enable = true", "Did you mean verify_enabled?"),
    ("zzzzzz = 1", "Unknown key zzzzzz."),
    ("[store.more]\nx = 1", "Unknown key store.more."),
]


@pytest.mark.parametrize(("text", "said"), UNKNOWN)
def test_an_unknown_key_refuses_and_says_which_was_meant(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigWrong) as refused:
        load(tmp_path, text)
    assert said in refused.value.detail
    assert refused.value.hint


WRONG = [
    ("[http]\nport = '8080'", "http.port"),
    ("[http]\nport = 70000", "http.port"),
    ("[http]\nport = 80.5", "http.port"),
    ("[http]\nmax_body_bytes = 1", "max_body_bytes"),
    ("[http]\nrequests_per_second = 0", "requests_per_second"),
    ("[store]\ncode = 'too long a code'", "store.code"),
    ("[store]\ncode = 's1'", "store.code"),
    ("[store]\ncurrency = 'eur'", "currency"),
    ("[store]\nlocale = 'de'", "locale"),
    ("[store]\nday_cutover = '24:00'", "day_cutover"),
    ("[store]\nname = 7", "store.name"),
    ("[store]\naddress_lines = 'one line'", "address_lines"),
    ("[tax]\nmode = 'both'", "tax.mode"),
    ("[tax]\nrates = []", "tax.rates is empty"),
    ("[tax]\nrates = [{ class = 'a', valid_from = 'soon', rate = '1' }]", "valid_from"),
    ("[tax]\nrates = [{ class = 'a', valid_from = '2026-01-01', rate = 23 }]", "rate"),
    ("[tax]\nrates = [{ klass = 'a', valid_from = '2026-01-01', rate = '23' }]", "klass"),
    ("[roles]\nneeds_approval = ['everything']", "needs_approval"),
    ("[roles]\ncashier_discount_percent = 101", "cashier_discount_percent"),
    ("[labels]\npatterns = ['2XIIIIIPPPPPC']", "labels.patterns"),
    ("[printing]\nreceipt_printer = 'nobody'", "names no printer; there are: receipt"),
    (
        (
            "[printing]\nreceipt_printer = 'a'\n"
            "printers = [{ name = 'a', kind = 'tcp', profile = 'p' }, { name = 'a', kind = 'tcp', profile = 'p' }]"
        ),
        "two printers",
    ),
    ("[printing]\nprinters = [{ name = 'receipt', kind = 'serial', profile = 'p' }]", "kind"),
    ("[maintenance]\nverify_enabled = 'yes'", "verify_enabled"),
    ("[log]\nlevel = 'loud'", "log.level"),
    ("store = 1", "store must be a table"),
    ("[http.port]\nx = 1", "http.port must not be a table"),
    ("[store", "store.toml"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_value_refuses_and_names_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigWrong) as refused:
        load(tmp_path, text)
    last = said.rpartition(".")[2]
    assert last in refused.value.detail, refused.value.detail


def test_a_file_that_is_not_there_or_no_text_refuses(tmp_path: Path) -> None:
    with pytest.raises(ConfigWrong, match="absent"):
        load_config(tmp_path / "absent.toml")
    (tmp_path / "store.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigWrong, match=r"store\.toml"):
        load_config(tmp_path / "store.toml")


def test_every_key_of_the_shipped_file_is_known_and_the_other_way_round() -> None:
    keys = list_keys()
    assert len(keys) == len(set(keys)) > 40
    config: Any = load_config()
    for key in keys:
        section, _, name = key.partition(".")
        assert hasattr(getattr(config, section), name), key


@pytest.mark.parametrize("kind", ["cash", "card", "points", "gift_card", "exchange"])
def test_a_word_with_a_meaning_of_its_own_is_no_further_kind_of_tender(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigWrong, match=f"tender.extra_kinds: {kind}"):
        load(tmp_path, f'[tender]\nextra_kinds = ["voucher", "{kind}"]\n')


def test_points_by_hand_are_a_managers_and_need_no_approval(tmp_path: Path) -> None:
    with pytest.raises(ConfigWrong, match="adjustment"):
        load(tmp_path, '[roles]\nneeds_approval = ["adjustment"]\n')
