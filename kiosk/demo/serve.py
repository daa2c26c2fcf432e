"""edge: `counterfoil demo`: builds the demonstration store, serves it, says where to click."""

import datetime as dt
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from kiosk.demo.bundles import plan_bundles
from kiosk.demo.head_office import HeadOffice, join_demo
from kiosk.demo.people import CASHIER
from kiosk.demo.ports import settle_port
from kiosk.demo.sheet import sheet_page
from kiosk.demo.store import STORE_FILE_NAME, Access, build_demo, describe_access
from kiosk.serve import run_store

_SHEET_NAME = "sheet.html"


def run_demo(folder: Path, port: int | None, *, as_json: bool) -> None:
    """Build or reopen the demonstration in `folder` and serve it until SIGTERM: the store on `port`, or on the one it
    had, head office, which is a process of its own, on one behind it.

    With `as_json` the first line on standard output is one JSON object, else a few lines for a person. Raises
    PortTaken before anything is built.
    """
    begun = time.monotonic()
    port = settle_port(folder / STORE_FILE_NAME, port)

    def tell_that_it_takes_a_while() -> None:
        if not as_json:
            click.echo("Building the demonstration store from real baskets ...", err=True)

    config, access = build_demo(folder, port, tell_that_it_takes_a_while)
    (folder / _SHEET_NAME).write_text(sheet_page(access.products, access.members), encoding="utf-8")

    with HeadOffice(folder, port + 1) as office:
        join_demo(office, config)
        plan_bundles(office, access.repriced, dt.datetime.now(ZoneInfo(config.store.time_zone)))

        def announce(url: str) -> None:
            if as_json:
                hub = {"url": office.url, "token": office.access.token}
                click.echo(msgspec.json.encode(describe_access(access, url, folder) | {"hub": hub}))
            else:
                click.echo(_welcome(access, office, url, folder, time.monotonic() - begun))
            sys.stdout.flush()

        run_store(config, announce)


def _welcome(access: Access, office: HeadOffice, url: str, folder: Path, seconds: float) -> str:
    member, product = access.members[0], access.products[0]
    return f"""
The store is open ({seconds:.0f} s).

  Till      {url}/till#device={access.device_token}&token={access.till_token}
            signed in as {CASHIER.id}, PIN {CASHIER.pin}
  Kiosk     {url}/kiosk#device={access.kiosk_token}
            the phone {member.phone} and the PIN {member.pin} are {member.name}'s
  Office    {office.url}/office
            user {office.access.user}, password {office.access.password}
  Manager   {access.operator_name}, PIN {access.operator_pin}, when the till asks for an approval
  Sheet     {(folder / _SHEET_NAME).absolute().as_uri()}
            barcodes and loyalty codes to scan or print

Try: type {product.gtin} and Enter ({product.name}), then F4, {member.token} and Enter
     ({member.name}), then F9 and Enter.
Prove it: .venv/bin/counterfoil verify --config {folder / "store.toml"}
          .venv/bin/counterfoil verify --config {folder / "hub.toml"}
Stop with Ctrl-C. The same command goes on where you stopped.
"""
