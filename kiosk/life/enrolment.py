"""edge: how a store joins a head office: one code, one key, and a file that says where it belongs.

    data/store.key    0600  the key this store signs with; head office knows only its public half
    data/hub.json     0600  the address of head office and this store's id there

Neither is in the database or in a backup: a copy of the file elsewhere cannot speak in this store's name. The key is on
the disk before the code is sent, so an answer lost on the way is asked for again with the same key, and got.
"""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from kiosk.config import Config
from kiosk.life.start import DATABASE_NAME, lack_of_store
from loyalty.errors import InvalidInput, Problem
from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.agent.key import FILE_NAME as KEY_NAME
from sync.agent.key import StoreKeyDamaged, load_key, make_key, public_hex
from sync.durable_files import replace_file
from sync.protocol.messages import Enrol, EnrolAnswer

FILE_NAME = "hub.json"


class Enrolment(Struct, frozen=True, kw_only=True):
    """Where this store belongs: head office's address, and the store's id there. `hub_key` is the key that head office
    signs with (64 hex digits), kept from the enrolment on; empty where it told none."""

    url: str
    store: UUID
    name: str
    hub_key: str = ""


class HubFileDamaged(Problem):
    """The file that says which head office this store belongs to cannot be read."""

    code, status = "hub_file_damaged", 500
    hint = "Ask head office for a new code and run: counterfoil enrol --hub URL --code CODE --config FILE"


class EnrolledAlready(Problem):
    """This store belongs to a head office already."""

    code, status = "enrolled_already", 500
    hint = "To join another one, move hub.json and store.key out of the data folder first."


class OtherStore(Problem):
    """The code is for another store than this one."""

    code, status = "other_store", 500
    hint = "Ask head office for the code of this store; its receipts carry the code that stands in the configuration."


class WrongHubAddress(InvalidInput):
    """The address of head office is none."""

    code, hint = "wrong_hub_address", "Give it as https://host or http://host:port."


class EnrolmentRefused(Problem):
    """Head office did not take the code."""

    code, status, hint = (
        "enrolment_refused",
        500,
        "Ask head office for a new code; each is good once, for some minutes.",
    )


def read_enrolment(folder: Path) -> Enrolment | None:
    """Where this store belongs; None for one that is its own authority. Raises HubFileDamaged."""
    try:
        return msgspec.convert(json.loads((folder / FILE_NAME).read_text(encoding="utf-8")), Enrolment)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HubFileDamaged(FILE_NAME) from error


def enrol(config: Config, url: str, code: str) -> Enrolment:
    """Join the head office at `url` with its code, or join it again where the key or the address is lost or damaged. A
    running service takes part from its next start on.

    Raises WrongHubAddress, EnrolledAlready, EnrolmentRefused, OtherStore, HubSilent; StoreNotReady or StoreLost where
    there is no store.
    """
    folder = config.data_dir()
    if not (folder / DATABASE_NAME).exists():
        raise lack_of_store(folder)
    if _can_speak(folder):
        raise EnrolledAlready(str(folder / FILE_NAME))
    return join(config, url, code)


def join(config: Config, url: str, code: str) -> Enrolment:
    """`enrol` without a look at what is in the folder; makes the key where there is none. Raises as `enrol`."""
    check_address(url)
    folder = config.data_dir()
    key = _load_sound_key(folder) or make_key(folder)
    answer = asyncio.run(_send(url, Enrol(code=code.strip(), public_key=public_hex(key))))
    if answer.code != config.store.code:
        raise OtherStore(f"The code is for {answer.code}, the configuration says {config.store.code}.")
    enrolment = Enrolment(url=url.rstrip("/"), store=answer.store, name=answer.name, hub_key=answer.hub_key)
    replace_file(folder / FILE_NAME, json.dumps(msgspec.to_builtins(enrolment)))
    return enrolment


def check_address(url: str) -> None:
    """Raises WrongHubAddress for what is no address of a service."""
    try:
        parts = urlsplit(url)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        well = False
    if not well:
        raise WrongHubAddress(url[:100])


def key_is_private(folder: Path) -> bool:
    """Whether nobody but its owner may read the store's key; True where there is none."""
    try:
        return (folder / KEY_NAME).stat().st_mode & 0o077 == 0
    except FileNotFoundError:
        return True


def _can_speak(folder: Path) -> bool:
    """Whether this store has joined and can still say so. One whose key or address is damaged has to join again."""
    try:
        return read_enrolment(folder) is not None and load_key(folder) is not None
    except (HubFileDamaged, StoreKeyDamaged):
        return False


def _load_sound_key(folder: Path) -> Ed25519PrivateKey | None:
    """The key in the folder. One that cannot be read signs nothing any more, so another may take its place."""
    try:
        return load_key(folder)
    except StoreKeyDamaged:
        return None


async def _send(url: str, message: Enrol) -> EnrolAnswer:
    client = HubClient(url)
    try:
        return await client.enrol(message)
    except HubRefused as refused:
        if refused.refusal == "not_found":  # a code that nobody knows has a refusal of its own
            raise HubSilent(f"{url} is another service, such as a store.") from refused
        raise EnrolmentRefused(refused.detail) from refused
    finally:
        await client.close()
