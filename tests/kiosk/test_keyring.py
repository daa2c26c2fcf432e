"""The keys of a store: on disk only, one for each life of the database, listed under the root, kept by a restore."""

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from kiosk.compose import now_ms
from kiosk.coupons.coupon_store import read_registry, read_signed_list
from kiosk.coupons.keyring import (
    FOLDER_NAME,
    KeyNotFound,
    damaged_keys,
    list_key_files,
    load_signer,
    prepare_keys,
)
from kiosk.life.backup import back_up, restore
from kiosk.life.doctor import examine
from kiosk.life.initialise import list_keys, revoke_listed_key
from kiosk.life.start import DATABASE_NAME, release, start_store
from loyalty.keys import KeyRegistry, first_key_id, public_hex, read_key_list
from sync.db import connect
from sync.journal import read_life
from tests.kiosk.shopkit import make_config, prepare_store, prove_all

DAY_MS = 86_400_000
FIRST = first_key_id("S001")


def shop_at(folder: Path) -> Path:
    """The data folder of a new shop."""
    return prepare_store(make_config(folder)).parent


def start(folder: Path) -> int:
    """Start and stop; answers the epoch of the life."""
    started = start_store(folder, "S001", "EUR", "Europe/Warsaw")
    release(started, clean=True)
    return started.epoch


def look(folder: Path) -> tuple[KeyRegistry, int]:
    """The list in force, and the epoch of the newest life. Whatever happened, the store's proof holds."""
    connection = connect(folder / DATABASE_NAME)
    registry, life = read_registry(connection), read_life(connection)
    report = prove_all(connection)
    connection.close()
    assert report.ok, report.first_wrong
    assert registry is not None
    assert life is not None
    return registry, life[0]


def entries(folder: Path) -> int:
    connection = connect(folder / DATABASE_NAME)
    count = connection.execute("SELECT count(*) FROM journal WHERE kind = 'keys.listed'").fetchone()[0]
    connection.close()
    return int(count)


def test_a_new_store_has_a_root_a_key_and_a_list(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    registry, epoch = look(folder)
    signer = load_signer(folder, epoch)
    assert signer is not None
    assert registry.keys[signer.kid].public == signer.public
    assert registry.keys[signer.kid].store == "S001"
    assert (registry.version, sorted(registry.keys)) == (1, [FIRST])


def test_nobody_but_the_owner_may_read_the_keys_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = shop_at(tmp_path)
    finally:
        os.umask(before)
    assert [path.name.split("-")[0] for path in list_key_files(folder)] == ["keys", "list.json", "root.key", "store"]
    for path in list_key_files(folder):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_no_private_key_is_in_the_database_or_in_a_backup(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    _, epoch = look(folder)
    signer = load_signer(folder, epoch)
    assert signer is not None
    back_up(folder / DATABASE_NAME, tmp_path / "copy.sqlite")
    secret = signer.private.private_bytes_raw()
    for path in (*folder.glob(DATABASE_NAME + "*"), tmp_path / "copy.sqlite"):
        content = path.read_bytes()
        assert secret not in content
        assert secret.hex().encode() not in content
        assert b"PRIVATE KEY" not in content
        assert bytes.fromhex(signer.public) not in content or signer.public.encode() in content


def test_a_start_changes_nothing_while_the_key_is_young(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    before = {path: path.read_bytes() for path in list_key_files(folder) if path.is_file()}
    start(folder)
    start(folder)
    assert {path: path.read_bytes() for path in list_key_files(folder) if path.is_file()} == before
    assert entries(folder) == 1


def test_an_old_key_is_replaced_and_goes_on_counting(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    _, epoch = look(folder)
    first = load_signer(folder, epoch)
    connection = connect(folder / DATABASE_NAME)
    for days, changed in ((89, False), (90, True), (91, False), (181, True)):
        connection.execute("BEGIN IMMEDIATE")
        assert prepare_keys(connection, folder, "S001", epoch, now_ms() + days * DAY_MS, 90) is changed, days
        connection.execute("COMMIT")
    connection.close()
    registry, _ = look(folder)
    newest = load_signer(folder, epoch)
    assert newest is not None
    assert first is not None
    assert (newest.kid, registry.version, sorted(registry.keys)) == (FIRST + 2, 3, [FIRST, FIRST + 1, FIRST + 2])
    assert registry.keys[FIRST].public == first.public
    assert not registry.keys[FIRST].revoked


def test_a_restored_store_gets_a_new_key_and_the_old_ones_go_on_counting(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    _, first_life = look(folder)
    back_up(folder / DATABASE_NAME, tmp_path / "copy.sqlite")
    old = load_signer(folder, first_life)
    assert old is not None
    restore(folder, tmp_path / "copy.sqlite")
    second_life = start(folder)
    registry, epoch = look(folder)
    new = load_signer(folder, epoch)
    assert epoch == second_life != first_life
    assert new is not None
    assert new.public != old.public
    assert registry.keys[old.kid].public == old.public
    assert registry.keys[new.kid].public == new.public


def test_keys_of_a_life_that_was_lost_go_on_counting_and_their_numbers_are_not_used_twice(tmp_path: Path) -> None:
    """Backup, another life with its own key, and the backup again: its list knows nothing of that key."""
    folder = shop_at(tmp_path)
    back_up(folder / DATABASE_NAME, tmp_path / "copy.sqlite")
    publics = {}
    for _ in range(3):
        restore(folder, tmp_path / "copy.sqlite")
        signer = load_signer(folder, start(folder))
        assert signer is not None
        assert signer.kid not in publics
        publics[signer.kid] = signer.public
    registry, _ = look(folder)
    assert {kid: registry.keys[kid].public for kid in publics} == publics


def test_a_machine_that_lost_the_keys_makes_a_new_root_and_vouches_for_the_old_keys(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    before, epoch = look(folder)
    shutil.rmtree(folder / FOLDER_NAME)
    start(folder)
    after, _ = look(folder)
    signer = load_signer(folder, epoch)
    assert signer is not None
    assert after.version == before.version + 1
    assert after.keys[FIRST] == before.keys[FIRST]
    assert signer.kid == FIRST + 1
    connection = connect(folder / DATABASE_NAME)
    roots = [row[0] for row in connection.execute("SELECT root FROM key_list ORDER BY version")]
    connection.close()
    assert len(set(roots)) == 2


def test_a_copy_of_the_folder_without_its_keys_cannot_sign_in_the_name_of_the_old_ones(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    copy = tmp_path / "copied"
    copy.mkdir(mode=0o700)
    shutil.copyfile(folder / DATABASE_NAME, copy / DATABASE_NAME)
    epoch = start(copy)
    registry, _ = look(copy)
    signer = load_signer(copy, epoch)
    assert signer is not None
    assert registry.keys[FIRST].public != signer.public


@pytest.mark.parametrize("cut", ["key", "list", "both"])
def test_a_cut_between_the_files_and_the_fact_leaves_what_the_next_start_goes_on_with(tmp_path: Path, cut: str) -> None:
    folder = shop_at(tmp_path)
    _, epoch = look(folder)
    connection = connect(folder / DATABASE_NAME)
    later = now_ms() + 100 * DAY_MS
    connection.execute("BEGIN IMMEDIATE")
    list_before = (folder / FOLDER_NAME / "list.json").read_bytes()
    assert prepare_keys(connection, folder, "S001", epoch, later, 90)
    connection.execute("ROLLBACK")  # the cut: files are there, the fact is not
    made = load_signer(folder, epoch)
    assert made is not None
    if cut in ("key", "both"):
        (folder / FOLDER_NAME / "list.json").write_bytes(list_before)
    if cut == "both":
        (folder / FOLDER_NAME / f"store-{FIRST + 1}-{epoch:016x}.key").unlink()
    connection.execute("BEGIN IMMEDIATE")
    assert prepare_keys(connection, folder, "S001", epoch, later, 90)
    connection.execute("COMMIT")
    connection.close()
    registry, _ = look(folder)
    signer = load_signer(folder, epoch)
    assert signer is not None
    assert (signer.kid, registry.version) == (FIRST + 1, 2)
    assert registry.keys[FIRST + 1].public == signer.public
    assert (signer.public == made.public) is (cut != "both")


def test_a_revoked_key_is_replaced_at_the_next_start_and_stays_revoked(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    folder = prepare_store(config).parent
    revoke_listed_key(config, FIRST)
    with pytest.raises(KeyNotFound):
        revoke_listed_key(config, 7)
    epoch = start(folder)
    assert [(key["kid"], key["revoked"]) for key in list_keys(config)] == [(FIRST, True), (FIRST + 1, False)]
    registry, _ = look(folder)
    signer = load_signer(folder, epoch)
    assert signer is not None
    assert signer.kid == FIRST + 1
    assert [registry.keys[kid].revoked for kid in (FIRST, FIRST + 1)] == [True, False]


def test_the_list_in_the_journal_holds_under_its_root(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    connection = connect(folder / DATABASE_NAME)
    signed = read_signed_list(connection)
    connection.close()
    assert signed is not None
    assert read_key_list(signed, signed.root).version == 1


def finding(config: Any) -> tuple[bool, str, str | None]:  # noqa: ANN401
    (check,) = [check for check in examine(config) if check.name == "keys"]
    return check.ok, check.detail, check.mend


def test_the_doctor_finds_keys_that_others_may_read_are_damaged_or_missing(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    folder = prepare_store(config).parent
    keys = folder / FOLDER_NAME
    assert finding(config)[0]
    (keys / "root.key").chmod(0o640)
    ok, detail, mend = finding(config)
    assert (ok, detail) == (False, "others may read root.key")
    assert mend is not None
    assert mend.startswith("chmod go-rwx ")
    (keys / "root.key").chmod(0o600)
    keys.chmod(0o755)
    assert "others may read keys" in finding(config)[1]
    keys.chmod(0o700)
    (own,) = keys.glob("store-*")
    own.write_text("no key")
    assert finding(config)[1] == f"cannot be read: {own.name}"
    own.unlink()
    assert finding(config)[1] == "no key signs coupons"
    start(folder)
    assert finding(config)[0]


def test_a_damaged_key_does_not_keep_the_shop_from_starting(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    for path in (folder / FOLDER_NAME).glob("*.key"):
        path.write_text("no key")
    epoch = start(folder)
    assert load_signer(folder, epoch) is None
    assert len(damaged_keys(folder)) == 2
    (folder / FOLDER_NAME / "root.key").unlink()
    assert load_signer(folder, start(folder)) is not None


def test_a_root_of_the_shop_is_a_sound_key(tmp_path: Path) -> None:
    folder = shop_at(tmp_path)
    _, epoch = look(folder)
    signer = load_signer(folder, epoch)
    assert signer is not None
    assert public_hex(signer.private) == signer.public
