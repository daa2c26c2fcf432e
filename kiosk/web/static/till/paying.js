// Taking money. The till adds up tenders only to know what is left to ask for; what counts is what the service books.

import { call } from "./api.js";
import { setApproval, toSale } from "./basket.js";
import { roundCash } from "./cash.js";
import { spent } from "./holds.js";
import { newId } from "./ids.js";
import { keep } from "./memory.js";
import { book, onOutcome } from "./outbox.js";
import { isPriced, putBasket, reprice } from "./pricing.js";
import { sayProblem } from "./problems.js";
import { startBasket } from "./selling.js";
import { soundBad, soundPaid } from "./sounds.js";
import { change, clearNotice, notify, onChange, till } from "./state.js";
import { say, sayCode } from "./texts.js";

const NEEDS_APPROVAL = new Set(["approval_needed", "approval_unknown"]);

export function openPayment() {
  const { finished, pending, panel, payment } = till();
  if (finished || pending || panel || payment) return;
  if (!till().basket.lines.length) return;
  if (!isPriced(till())) return change({ paySoon: true });
  clearNotice();
  change({ paySoon: false, payment: { tenders: [], receipt: till().receipt ?? "paper" }, search: null, undo: null });
}

// Pay may be pressed before the price has come: payment then opens with the price.
onChange((state) => state.paySoon && isPriced(state) && openPayment());

export const closePayment = () => change({ payment: null });

export function setReceipt(receipt) {
  change({ receipt, payment: { ...till().payment, receipt } });
}

// What is still to pay. Only the part paid in cash is rounded to coins, as the service does it:
//
//   due 2.58, coins of 5: nothing given -> cash 2.60, card 2.58; card 2.00 given -> cash 0.60, card 0.58
export function leftToPay({ quote, payment }) {
  const sum = (isCash) =>
    payment.tenders.filter(({ kind }) => (kind === "cash") === isCash).reduce((all, { amount_minor }) => all + amount_minor, 0);
  const left = quote.totals.due_minor - sum(false);
  const cash = sum(true);
  return { cash: roundCash(left) - cash, other: left - cash, isPaid: cash ? cash >= roundCash(left) : left <= 0 };
}

// `minor` null is all that is left. Cash may be more than that, then there is change; nothing else may. `details` is what
// the tender brings with it: the hold of points, the code of a gift card.
export function addTender(kind, minor, details = {}) {
  const { payment, pending } = till();
  if (pending) return;
  const left = leftToPay(till());
  const most = kind === "cash" ? left.cash : left.other;
  const amount = minor ?? most;
  if (kind !== "cash" && amount > most) return refuse(sayCode("overpaid"));
  if (amount > 0) change({ payment: { ...payment, tenders: merge(payment.tenders, { kind, amount_minor: amount, ...details }) } });
  clearNotice();
  if (leftToPay(till()).isPaid) complete();
}

function merge(tenders, added) {
  const same = added.kind === "cash" && tenders.find((tender) => tender.kind === added.kind);
  if (!same) return [...tenders, added];
  return tenders.map((tender) => (tender === same ? { ...added, amount_minor: tender.amount_minor + added.amount_minor } : tender));
}

export function removeTender(at) {
  const { payment, pending } = till();
  if (payment && !pending) change({ payment: { ...payment, tenders: payment.tenders.filter((_, index) => index !== at) } });
}

function refuse(text, hint) {
  soundBad();
  notify("bad", text, hint);
}

export function complete() {
  const { basket, payment, quote } = till();
  if (!isPriced(till())) return notify("info", say("wait_for_price"));
  return book("sale", "/v1/sales", toSale(basket, payment, quote), { payment });
}

onOutcome("sale", { done: finish, refused: reconsider });

function finish(sale, command) {
  spent(command.body);
  remember(sale);
  startBasket();
  change({ finished: sale });
  soundPaid();
}

export function remember(document) {
  const last = { id: document.id, number: document.number, paper: document.print_job?.id ?? null };
  keep("last", last);
  change({ last });
}

// Refused means: nothing is booked. The tenders stay as they were given, the same id will be used again.
function reconsider(error, command) {
  const payment = till().payment ?? command.context.payment;
  change({ payment });
  const { text, hint } = sayProblem(error);
  refuse(text, hint);
  if (error.code === "price_changed") reprice();
  if (error.code === "id_conflict") showBooked(command.body.id);
  if (error.code === "gift_card_needed") askGiftCard(error.problem.errors?.[0]?.pointer);
  if (NEEDS_APPROVAL.has(error.code)) completeApproved();
}

// Something else was booked under this id (two windows of one till). The cashier looks at that sale first; only if they
// then press Pay again is the basket a sale of its own, under an id of its own.
async function showBooked(id) {
  change({ payment: null });
  putBasket({ ...till().basket, id: newId() });
  const booked = await call("GET", `/v1/sales/${id}`).catch(() => null);
  if (booked) remember(booked);
  if (booked) change({ panel: { name: "last" } });
}

// An article that puts money on a card: which card, is asked for the line that lacks it.
function askGiftCard(pointer) {
  const line = till().basket.lines[Number(/^\/lines\/(\d+)/.exec(pointer ?? "")?.[1])];
  if (line) change({ payment: null, panel: { name: "new_gift_card", key: line.key } });
}

async function completeApproved() {
  putBasket(setApproval(till().basket, null));
  const approval = await askApproval("price_override");
  if (!approval) return;
  clearNotice();
  putBasket(setApproval(till().basket, approval));
  complete();
}

// A manager's word on the spot: the one-use token, "" where the operator is a manager and needs none, null if refused.
// Points are another's money: to spend them a manager says so with the PIN as well.
export function askApproval(purpose) {
  if (till().shop.role === "manager" && purpose !== "redeem") return Promise.resolve("");
  return new Promise((resolve) => change({ approval: { purpose, resolve } }));
}

export function answerApproval(token) {
  const { approval } = till();
  change({ approval: null });
  approval?.resolve(token);
}

export async function approve(purpose, operator, pin) {
  const { approval } = await call("POST", "/v1/approvals", { operator, pin, for: purpose });
  answerApproval(approval);
}
