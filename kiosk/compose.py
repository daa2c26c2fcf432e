"""edge: builds every real thing of a store, once, and says how they hang together. The only module that does.

config ─► terms ─┐
start  ─► epoch ─┴► shop ─► door ─► routes ─► application
          database ───────────┘        helper · printer workers · upkeep
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import Any, Literal

from aiohttp import web

from kiosk import __version__
from kiosk.barcodes import LabelPattern
from kiosk.config import Config, ConfigWrong, Printer
from kiosk.helper import Helper
from kiosk.registry import APPLIERS
from kiosk.sessions import Sessions
from kiosk.shop import Shop
from kiosk.start import Started
from kiosk.tender import BASE_KINDS
from kiosk.terms import Terms, read_tax_rules, sort_rates
from kiosk.upkeep import Upkeep
from kiosk.web import catalogue, counter, members, people, printing, sales, store
from kiosk.web.door import Door
from kiosk.web.screens import screen_routes
from loyalty.earning import EarnRule
from loyalty.money import currency_exponent
from printers import spool
from printers.escpos import separator
from printers.profile import load_profile
from printers.render import render
from printers.transport_tcp import TcpTransport
from printers.transport_virtual import VirtualTransport
from printers.worker import Worker
from sync.db import Database
from sync.http.application import build_app
from sync.http.limits import Limits, Rate
from sync.http.metrics import Metrics
from sync.http.openapi import About
from sync.http.peers import read_networks
from sync.journal import Journal

logger = logging.getLogger(__name__)
_BELL_S = 0.03


def make_terms(config: Config) -> Terms:
    """The configuration as the terms of trade that decisions read."""
    own = config.store
    hours, minutes = own.day_cutover.split(":")
    return Terms(
        store=own.code,
        currency=own.currency,
        currency_digits=currency_exponent(own.currency),
        time_zone=own.time_zone,
        day_cutover_minutes=int(hours) * 60 + int(minutes),
        locale=own.locale,
        tax=read_tax_rules(config.tax.mode, config.tax.rounding, config.tax.method),
        rates=sort_rates([(rate.tax_class, rate.valid_from, rate.rate) for rate in config.tax.rates]),
        cash_rounding_step_minor=config.tender.cash_rounding_step_minor,
        tender_kinds=BASE_KINDS | frozenset(config.tender.extra_kinds),
        return_days=config.tender.return_days,
        earn_rule=EarnRule("base", 1, config.loyalty.points, config.loyalty.per_minor, config.loyalty.basis),
        needs_approval=frozenset(config.roles.needs_approval),
        cashier_discount_percent=config.roles.cashier_discount_percent,
        label_patterns=_read_patterns(config),
        phone_prefix=own.phone_prefix,
        receipt_printer=config.printing.receipt_printer,
        store_name=own.name,
        address_lines=own.address_lines,
        tax_id=own.tax_id,
        footer_lines=own.footer_lines,
    )


def _read_patterns(config: Config) -> tuple[LabelPattern, ...]:
    try:
        return tuple(LabelPattern.parse(pattern) for pattern in config.labels.patterns)
    except ValueError as error:
        raise ConfigWrong(f"labels.patterns: {error}") from error


def make_shop(config: Config, epoch: int, ordinal: int) -> Shop:
    """The journal of this life and the terms."""
    return Shop(Journal(epoch, APPLIERS), ordinal, make_terms(config))


class Store:
    """A running store without its sockets: `open`, serve `application`, `close`."""

    def __init__(self, config: Config, started: Started, *, on_death: Callable[[BaseException], None]) -> None:
        self.config = config
        self.helper = Helper()
        self.database = Database(started.database, on_commit=self._committed, on_death=on_death)
        self.sessions = Sessions(self.database, now_ms)
        self.door = Door(
            config=config,
            database=self.database,
            shop=make_shop(config, started.epoch, started.ordinal),
            helper=self.helper,
            now_ms=now_ms,
            random_bytes=os.urandom,
        )
        self.door.read_only = started.read_only
        self.workers = [self._make_worker(printer) for printer in config.printing.printers]
        self.upkeep = Upkeep(self.door)
        self._ringing = False

    async def open(self) -> None:
        """Open the file, load the sign-ins, settle what a crash left in the spool, start the devices."""
        await self.database.open()
        await self.sessions.reload()
        await self.database.write(lambda tx: spool.recover_after_start(tx, now_ms()))
        for worker in self.workers:
            worker.start()
        self.upkeep.start()

    async def close(self) -> None:
        """Stop the devices, drain the writer, close the file. What was queued is committed."""
        await self.upkeep.stop()
        for worker in self.workers:
            await worker.stop()
        await self.helper.close()
        await self.database.close()

    def application(self) -> web.Application:
        """The HTTP application over this store."""
        door, http = self.door, self.config.http
        metrics = Metrics(self.upkeep.collectors())
        routes = [
            *store.routes.bind(door),
            *sales.routes.bind(door),
            *counter.routes.bind(door),
            *catalogue.routes.bind(door),
            *printing.routes.bind(door),
            *members.routes.bind(door),
            *people.routes.bind(people.Desk(door, self.sessions)),
            *screen_routes(),
            metrics.route(),
        ]
        rate = http.requests_per_second
        limits = Limits(
            general=Rate(per_s=rate, burst=2 * rate),
            sensitive=Rate(per_s=http.sign_ins_per_minute / 60, burst=http.sign_ins_per_minute),
            networks=read_networks(http.allowed_networks),
            host_names=frozenset(http.host_names),
        )
        about = About("Counterfoil store", __version__)
        return build_app(routes, about=about, resolve=self.sessions.resolve, limits=limits, metrics=metrics)

    def _make_worker(self, printer: Printer) -> Worker:
        profile = load_profile(printer.profile)
        transport: Any = (
            TcpTransport(printer.host, printer.port, answers=profile.answers)
            if printer.kind == "tcp"
            else VirtualTransport(pace_ms=printer.pace_ms)
        )
        return Worker(
            printer=printer.name,
            profile_name=printer.profile,
            transport=transport,
            database=self.database,
            render=self._render,
            separator=separator(profile),
        )

    async def _render(self, content: bytes, profile: str, form: Literal["bin"], copy_number: int) -> bytes:
        return await self.helper.run(render, content, profile, form, copy_number)

    def _committed(self) -> None:
        """Printers look at once; streams hear of a burst of commits once."""
        for worker in self.workers:
            worker.wake()
        if not self._ringing:
            self._ringing = True
            asyncio.get_running_loop().call_later(_BELL_S, self._ring)

    def _ring(self) -> None:
        self._ringing = False
        self.door.bell.ring()


def now_ms() -> int:
    """The store's clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
