// What the cashier does with the basket: scan, type, count, void, undo, park, name the customer.

import { call, Refused } from "./api.js";
import * as baskets from "./basket.js";
import { nameCoupons, takeCoupon } from "./coupons.js";
import { newId } from "./ids.js";
import { keep } from "./memory.js";
import { parseQuantity } from "./money.js";
import { book, onOutcome } from "./outbox.js";
import { putBasket } from "./pricing.js";
import { sayProblem } from "./problems.js";
import { soundBad, soundOk } from "./sounds.js";
import { loadStanding, standingOf } from "./standing.js";
import { change, clearNotice, notify, till } from "./state.js";
import { say, sayCode } from "./texts.js";

const UNDO_MS = 8000;
const PIECE = 1000;
// Only a coupon has so many digits. The service says what is wrong with one that is cut.
const LONG_NUMBER = /^\d{40,}$/;
let queue = Promise.resolve();
let undoTimer = 0;
const claims = []; // open dialogs that take scans, the newest last

// While a dialog is open, scans are its own (from its first drawing on: useLayoutEffect); `take` answers the scan's answer or refuses it with false. What is scanned
// as a proof or as money must not be asked about first: `isRaw` takes the text as it is.
export function claimScans(take, isRaw = false) {
  const claim = { take, isRaw };
  claims.push(claim);
  return () => claims.splice(claims.indexOf(claim), 1);
}

// Scans are looked up one after the other: none is lost and their order is kept, however fast they come. A quantity
// that waits in the entry line ("3*") belongs to this scan.
export function takeScan(scanned, waiting = "") {
  const { quantityMilli } = readEntry(waiting);
  queue = queue.then(() => look(scanned, quantityMilli)).catch(() => {});
  return queue;
}

async function look(text, quantityMilli) {
  if (till().phase !== "selling" || till().pending) return fail(say("finish_first"));
  const claim = claims.at(-1);
  if (claim?.isRaw) return claim.take(text);
  try {
    const found = await ask(text);
    if (claim) return claim.take(found) ? soundOk() : fail(say("finish_first"));
    return await take(found, quantityMilli, text);
  } catch (error) {
    const problem = sayProblem(error);
    return fail(say("not_added", { text }), problem.text);
  }
}

// A single lost packet should not cost the cashier a second scan.
async function ask(text) {
  const question = () => call("POST", "/v1/scans", { text });
  return question().catch((error) => (error instanceof Refused ? Promise.reject(error) : question()));
}

async function take(found, quantityMilli, text) {
  if (found.kind === "product") return addProduct(found.product, quantityMilli, found);
  if (found.kind === "member") return takeMember(found.member);
  if (found.kind === "coupon") return nextCustomer(), takeCoupon(found.coupon, text);
  if (found.kind === "receipt") return openPanel("returns", { receipt: found.receipt });
  if (found.card) return openCard(found);
  if (LONG_NUMBER.test(text)) return takeCoupon(await call("POST", "/v1/coupons/verify", { code: text }), text);
  return fail(say("unknown_code", { text: found.text }));
}

function fail(text, hint) {
  soundBad();
  notify("bad", text, hint);
  change({ scanned: { ok: false, at: Date.now() } });
}

export function addProduct(product, quantityMilli = PIECE, found = {}) {
  if (!product.active) return fail(`${product.name}: ${sayCode("not_for_sale")}`);
  nextCustomer();
  const isLabel = isScaleLabel(product, found.gtin);
  const named = isLabel ? { gtin: found.gtin } : { sku: product.sku };
  const milli = isLabel || (found.quantity_milli ?? PIECE) !== PIECE ? found.quantity_milli : quantityMilli;
  const item = { ...named, name: product.name, unit: product.unit, quantity_milli: milli };
  clearNotice();
  change({ search: null, payment: null, scanned: { ok: true, at: Date.now() } });
  soundOk();
  putBasket(baskets.addItem(till().basket, item));
}

// A barcode that is none of the article's own was printed by a scale: the service reads weight or price from it again.
function isScaleLabel(product, gtin) {
  const bare = (text) => text.replace(/^0+/, "");
  return Boolean(gtin && product.item_code) && !product.gtins.some((own) => bare(own) === bare(gtin));
}

// The change of the last sale stays on the screen until something for the next customer happens.
export function nextCustomer() {
  if (till().finished) change({ finished: null, notice: null });
}

// A loyalty card that nobody here has: the one of the member who is just joining, else a dialog asks what to do with it.
// It has an id for each card, because each would be another member.
export function openCard({ card, reason }) {
  const { panel } = till();
  const isJoining = panel?.name === "enrol" && reason !== "member_elsewhere";
  if (isJoining) soundOk();
  else soundBad();
  change({ scanned: { ok: isJoining, at: Date.now() } });
  return isJoining ? change({ panel: { ...panel, card } }) : openPanel("card", { id: newId(), card, reason });
}

export function takeMember(resolved) {
  const { member, others } = resolved;
  nextCustomer();
  soundOk();
  change({ scanned: { ok: true, at: Date.now() } });
  if (others?.length) return openPanel("member", { choices: [member, ...others] });
  chooseMember(member, standingOf(resolved));
}

// Points on hold are one member's: money that is being taken begins anew with another one.
export function chooseMember(member, standing = null) {
  nextCustomer();
  change({ panel: null, standing, payment: null });
  putBasket(baskets.setMember(till().basket, member && { id: member.id, name: member.name, phone: member.phone }));
  if (member && !standing) loadStanding(member.id);
}

// "3*" before an article is its quantity; "3*" alone sets that of the selected line.
export function readEntry(text) {
  const match = /^\s*([\d.,]{1,9})\s*[*×]\s*(.*)$/.exec(text);
  const milli = match ? parseQuantity(match[1]) : null;
  return milli ? { quantityMilli: milli, rest: match[2].trim() } : { quantityMilli: PIECE, rest: text.trim() };
}

export async function takeTyped(text) {
  const { quantityMilli, rest } = readEntry(text);
  if (!rest) return setSelectedQuantity(quantityMilli);
  try {
    const found = await ask(rest);
    if (found.kind !== "unknown" || found.card) return await take(found, quantityMilli, rest);
    const { items } = await call("GET", `/v1/products?query=${encodeURIComponent(rest)}&limit=50`);
    if (items.length === 1) return addProduct(items[0], quantityMilli);
    if (items.length) return change({ search: { query: rest, items, at: 0, quantityMilli } });
    return fail(say("nothing_found", { text: rest }));
  } catch (error) {
    return fail(say("not_added", { text: rest }), sayProblem(error).text);
  }
}

let searching = 0;

// The list that follows the typing. An answer to an older question is thrown away.
export async function search(text) {
  const number = ++searching;
  const { quantityMilli, rest } = readEntry(text);
  if ([...rest].length < 2) return change({ search: null });
  try {
    const { items } = await call("GET", `/v1/products?query=${encodeURIComponent(rest)}&limit=50`);
    if (number === searching) change({ search: items.length ? { query: rest, items, at: -1, quantityMilli } : null });
  } catch {
    if (number === searching) change({ search: null });
  }
}

export function stopSearch() {
  searching += 1;
  if (till().search) change({ search: null });
}

function setSelectedQuantity(milli) {
  const line = baskets.selectedLine(till().basket);
  if (!line || line.gtin) return undefined;
  // The server would refuse the whole basket for it, and nothing would be priced any more.
  if (line.unit === "piece" && milli % PIECE) return fail(say("whole_pieces", { text: line.name }));
  return putBasket(baskets.setQuantity(till().basket, line.key, milli));
}

export function addToSelected(step) {
  const line = baskets.selectedLine(till().basket);
  if (!line || line.gtin) return;
  if (line.quantity_milli + step * PIECE <= 0) voidSelected();
  else putBasket(baskets.setQuantity(till().basket, line.key, line.quantity_milli + step * PIECE));
}

export function voidSelected() {
  const { basket } = till();
  const row = baskets.selectedRow(basket);
  if (!row || till().finished) return;
  clearTimeout(undoTimer);
  undoTimer = setTimeout(() => change({ undo: null }), UNDO_MS);
  change({ undo: row.hold ? null : { row, at: baskets.rowsOf(basket).indexOf(row) } }); // the points of a reward are gone at once
  putBasket(baskets.removeRow(basket, row.key));
}

export function undo() {
  const { undo: taken, basket } = till();
  if (!taken) return;
  clearTimeout(undoTimer);
  change({ undo: null });
  putBasket(baskets.putBack(basket, taken.row, taken.at));
}

export function openPanel(name, values = {}) {
  change({ panel: { name, ...values }, search: null });
}

export const closePanel = () => change({ panel: null });

export function park(label) {
  const { basket } = till();
  change({ panel: null });
  return book("park", "/v1/parked", baskets.toPark(basket, newId(), label));
}

onOutcome("park", {
  done() {
    startBasket();
    change({ parked: till().parked + 1 });
    notify("good", say("parked_done"));
  },
  refused(error) {
    const { text, hint } = sayProblem(error);
    notify("bad", text, hint);
  },
});

export function startBasket() {
  keep("basket", null);
  clearTimeout(undoTimer);
  change({ quote: null, standing: null, payment: null, undo: null, search: null, scanned: null });
  putBasket(baskets.emptyBasket());
}

export async function claimParked(parked) {
  const claimed = await call("POST", `/v1/parked/${parked.id}/claim`);
  nextCustomer();
  change({ panel: null, parked: Math.max(0, till().parked - 1) });
  const basket = baskets.fromParked(claimed);
  putBasket(basket);
  if (basket.member) await nameMember(basket.member.id);
  await nameCoupons(claimed.basket.coupons ?? []);
}

async function nameMember(id) {
  const member = await call("GET", `/v1/members/${id}`).catch(() => null);
  const { basket } = till();
  if (member && basket.member?.id === id) putBasket({ ...basket, member: { id, name: member.name, phone: null } });
  await loadStanding(id);
}
