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
from typing import Any

from aiohttp import web

from kiosk import __version__
from kiosk.catalogue.barcodes import LabelPattern
from kiosk.config import Config, ConfigWrong, Printer
from kiosk.coupons.gift_cards import GIFT_CARD
from kiosk.coupons.keyring import load_signer
from kiosk.identity.sessions import Sessions
from kiosk.life.feed_bases import open_bases
from kiosk.life.head_office import make_head_office
from kiosk.life.start import Started
from kiosk.life.upkeep import Upkeep
from kiosk.points.link import note_line
from kiosk.points.uptime import read_uptime
from kiosk.program.earning_terms import EarningTerms
from kiosk.registry import APPLIERS
from kiosk.sales.tender import BASE_KINDS, POINTS
from kiosk.shop import Shop
from kiosk.terms import Terms, read_tax_rules, sort_rates
from kiosk.web import (
    catalogue,
    counter,
    coupons,
    earning,
    gift_cards,
    help_calls,
    kiosk,
    member_records,
    members,
    offers,
    people,
    points,
    printing,
    proofs,
    sales,
    store,
)
from kiosk.web.door import Door
from kiosk.web.screens import screen_routes
from kiosk.web.seen import SeenMarks
from loyalty.activities import read_partner_key
from loyalty.earning import EarnRule
from loyalty.exposure import OfflinePolicy
from loyalty.money import currency_exponent
from loyalty.points.decide import RedeemRules
from loyalty.points.periods import Period
from loyalty.points.program import Program
from loyalty.tiers import Ladder
from printers import spool
from printers.escpos import separator
from printers.profile import load_profile
from printers.render import Rendered, render_job
from printers.transport_tcp import TcpTransport
from printers.transport_virtual import VirtualTransport
from printers.worker import Worker
from sync.db import Database
from sync.helper import Helper
from sync.http.application import build_app
from sync.http.limits import Limits, Rate
from sync.http.metrics import Metrics
from sync.http.openapi import About
from sync.http.peers import read_networks
from sync.journal import Journal

logger = logging.getLogger(__name__)
_BELL_S = 0.03
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000


def make_terms(config: Config) -> Terms:
    """The configuration as the terms of trade that decisions read."""
    own = config.store
    hours, minutes = own.day_cutover.split(":")
    cards = frozenset(config.gift_cards.departments)
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
        tender_kinds=BASE_KINDS | {POINTS} | frozenset(config.tender.extra_kinds) | ({GIFT_CARD} if cards else set()),
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
        program=_make_program(config),
        earning=_make_earning_terms(config),
        offline=_make_offline_policy(config),
        approval_above_points=config.points.approval_above,
        excluded_departments=frozenset(config.offers.excluded_departments) | cards,
        show_lowest_price=config.offers.show_lowest_price,
        perishable_departments=frozenset(config.offers.perishable_departments),
        coupon_days=config.coupons.days,
        foreign_coupons_per_day=config.coupons.other_stores_per_day,
        gift_card_departments=cards,
        kiosk_printer=config.kiosk.printer,
        withheld_offers=frozenset(config.kiosk.withheld_offers),
        own_departments=frozenset(own.own_departments),
        sale_coupons=tuple((each.offer, each.from_minor) for each in config.coupons.with_sale),
    )


def _make_earning_terms(config: Config) -> EarningTerms:
    """How members earn here. A key that no partner could have is refused at the start, not at the first activity."""
    own = config.loyalty
    tiers = own.tiers
    try:
        ladder = Ladder(
            levels=tiers.levels,
            measure=tiers.measure,
            months=tiers.months,
            review=tiers.review,
            grace_days=tiers.grace_days,
        )
        partners = {partner.name: read_partner_key(partner.public_key) for partner in own.partners}
    except ValueError as error:
        raise ConfigWrong(f"loyalty: {error}") from error
    return EarningTerms(
        multipliers=own.multipliers,
        # What a gift card buys later earns; the card itself does not.
        excluded_departments=frozenset(own.excluded_departments) | frozenset(config.gift_cards.departments),
        ladder=ladder,
        segments=own.segments,
        partners=partners,
        referral_days=own.referral_days,
    )


def _make_program(config: Config) -> Program:
    """How points work in this shop."""
    own = config.points
    till_ms, kiosk_ms = own.hold_minutes_till * _MINUTE_MS, own.hold_minutes_kiosk * _MINUTE_MS
    return Program(
        time_zone=config.store.time_zone,
        pending_days=own.pending_days,
        validity=Period(own.valid_for, own.valid_unit, own.valid_to_end_of) if own.valid_for else None,
        grace_days=own.grace_days,
        debt=own.debt,
        forgive_below=own.forgive_below,
        redeem=RedeemRules(
            min_points=own.min_points,
            step=own.step,
            value=(own.value_minor, own.value_points),
            share=(own.max_share_percent, 100),
        ),
        hold_ms={"cashier": till_ms, "manager": till_ms, "kiosk": kiosk_ms},
        adjust_limits={"cashier": own.adjust_limit_cashier, "manager": own.adjust_limit_manager},
        tender_earns=own.tender_earns,
    )


def _make_offline_policy(config: Config) -> OfflinePolicy:
    offline = config.loyalty.offline
    return OfflinePolicy(
        member_limit_minor=offline.member_limit_minor,
        store_limit_minor=offline.store_limit_minor,
        account_max_age_ms=offline.account_max_age_hours * _HOUR_MS,
        coupon_limit_minor=offline.coupon_limit_minor,
    )


def _read_patterns(config: Config) -> tuple[LabelPattern, ...]:
    try:
        return tuple(LabelPattern.parse(pattern) for pattern in config.labels.patterns)
    except ValueError as error:
        raise ConfigWrong(f"labels.patterns: {error}") from error


def make_shop(config: Config, epoch: int, ordinal: int) -> Shop:
    """The journal of this life, the terms, and the key that signs coupons, where one can be read."""
    signer = load_signer(config.data_dir(), epoch)
    return Shop(Journal(epoch, APPLIERS), ordinal, make_terms(config), signer=signer)


class Store:
    """A running store without its sockets: `open`, serve `application`, `close`."""

    def __init__(
        self,
        config: Config,
        started: Started,
        *,
        on_death: Callable[[BaseException], None],
        on_new_life: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_new_life` is called when the store has to begin a new life: it books nothing more until it is started
        anew (kiosk/life/healing.py)."""
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
            uptime=read_uptime,
        )
        self.door.follow_finding(started.read_only)
        self.workers = [self._make_worker(printer) for printer in config.printing.printers]
        self.door.printers = {worker.printer: worker for worker in self.workers}
        self.upkeep = Upkeep(self.door)
        self.head_office = make_head_office(self.door, on_new_life)
        self.door.lender = self.head_office.agent if self.head_office is not None else None
        self.door.finder = self.head_office.agent if self.head_office is not None else None
        self.door.reserver = self.head_office.agent if self.head_office is not None else None
        self.seen = SeenMarks(self.door, self.sessions, on_new_life)
        self._ringing = False

    async def open(self) -> None:
        """Open the file, load the sign-ins, settle what a crash left in the spool, start the devices."""
        await self.database.open()
        await open_bases(self.database)
        await self.sessions.reload()
        await self.database.write(lambda tx: spool.recover_after_start(tx, now_ms()))
        for worker in self.workers:
            worker.start()
        self.upkeep.start()
        await self.door.instant.look(now_ms())
        if self.head_office is not None:
            await self.database.write(lambda tx: note_line(tx, online=False, now_ms=now_ms()))
            self.head_office.start()

    async def close(self) -> None:
        """Stop the devices, drain the writer, close the file. What was queued is committed."""
        await self.seen.stop()
        if self.head_office is not None:
            await self.head_office.stop()
        await self.upkeep.stop()
        for worker in self.workers:
            await worker.stop()
        await self.helper.close()
        await self.database.close()

    def application(self) -> web.Application:
        """The HTTP application over this store."""
        door, http = self.door, self.config.http
        metrics = Metrics([*self.upkeep.collectors(), *(self.head_office.collectors() if self.head_office else ())])
        routes = [
            *store.routes.bind(door),
            *sales.routes.bind(door),
            *counter.routes.bind(door),
            *catalogue.routes.bind(door),
            *offers.routes.bind(door),
            *earning.routes.bind(door),
            *coupons.routes.bind(door),
            *gift_cards.routes.bind(door),
            *help_calls.routes.bind(door),
            *printing.routes.bind(door),
            *members.routes.bind(door),
            *points.routes.bind(door),
            *proofs.routes.bind(door),
            *member_records.routes.bind(door),
            *kiosk.routes.bind(door),
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
        app = build_app(routes, about=about, resolve=self.sessions.resolve, limits=limits, metrics=metrics)
        app.middlewares.append(self.seen.middleware())
        return app

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

    async def _render(self, content: bytes, profile: str, copy_number: int) -> Rendered:
        return await self.helper.run(render_job, content, profile, copy_number)

    def _committed(self) -> None:
        """Printers look at once; streams hear of a burst of commits once."""
        for worker in self.workers:
            worker.wake()
        if self.head_office is not None:
            self.head_office.wake()
        if not self._ringing:
            self._ringing = True
            asyncio.get_running_loop().call_later(_BELL_S, self._ring)

    def _ring(self) -> None:
        self._ringing = False
        self.door.bell.ring()


def now_ms() -> int:
    """The store's clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
