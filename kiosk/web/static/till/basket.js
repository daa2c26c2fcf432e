// The basket as a value: what was scanned, not what it costs. Prices come from the service alone.
//
//   {id, revision, lines: [{key, sku | gtin, name, unit, quantity_milli, discount?, unit_price_minor?, reason?, gift_card?}],
//    coupons: [{key, text, serial, code, offer, title}, or for a reward, at most one: {key, hold, serial, code, offer, title}],
//    member: {id, name, phone} | null, approval: text | null, selected: key of a line or a coupon | null}
//
// `id` becomes the id of the sale. It is made with the basket, long before anything is sent. `revision` changes with
// everything that can change the price.

import { newId } from "./ids.js";

export function emptyBasket() {
  return { id: newId(), revision: newId(), lines: [], coupons: [], member: null, approval: null, selected: null };
}

const repriced = (basket, patch) => ({ ...basket, ...patch, revision: newId() });

// The same article again is the same line with more of it, unless something was changed on that line by hand. A label
// of the scale is always a line of its own: it brings its own weight and price.
export function addItem(basket, item) {
  const same = item.sku && item.unit === "piece" && basket.lines.find((line) => isPlain(line) && line.sku === item.sku);
  if (same) return setQuantity({ ...basket, selected: same.key }, same.key, same.quantity_milli + item.quantity_milli);
  const line = { ...item, key: newId() };
  return repriced(basket, { lines: [...basket.lines, line], selected: line.key });
}

const isPlain = (line) => !line.discount && line.unit_price_minor === undefined;

// A coupon without goods is kept as well: it is priced with the first article.
export function addCoupon(basket, coupon) {
  return repriced(basket, { coupons: [...basket.coupons, { ...coupon, key: newId() }] });
}

// A reward lies among the coupons: what it takes off is an offer's discount, and the points are held until it is sold.
export function setReward(basket, reward) {
  return repriced(basket, { coupons: [...basket.coupons.filter(({ hold }) => !hold), { ...reward, key: newId() }] });
}

export const lineOf = (basket, key) => basket.lines.find((line) => line.key === key);
export const rowsOf = (basket) => [...basket.lines, ...basket.coupons];
export const selectedRow = (basket) => rowsOf(basket).find((row) => row.key === basket.selected);
export const selectedLine = (basket) => lineOf(basket, basket.selected);

export function setQuantity(basket, key, milli) {
  return patchLine(basket, key, { quantity_milli: milli });
}

export function setDiscount(basket, key, discount) {
  return patchLine(basket, key, { discount, unit_price_minor: undefined, reason: undefined });
}

export function setPrice(basket, key, minor, reason) {
  return patchLine(basket, key, { unit_price_minor: minor, reason, discount: undefined });
}

export function clearChanges(basket, key) {
  return patchLine(basket, key, { unit_price_minor: undefined, reason: undefined, discount: undefined });
}

function patchLine(basket, key, patch) {
  return repriced(basket, { lines: basket.lines.map((line) => (line.key === key ? { ...line, ...patch } : line)) });
}

export const setGiftCard = (basket, key, code) => patchLine(basket, key, { gift_card: code });

export function removeRow(basket, key) {
  const at = rowsOf(basket).findIndex((row) => row.key === key);
  const without = (rows) => rows.filter((row) => row.key !== key);
  const left = { ...basket, lines: without(basket.lines), coupons: without(basket.coupons) };
  const rows = rowsOf(left);
  return repriced(left, { selected: (rows[at] ?? rows[at - 1])?.key ?? null });
}

// Undo: the row comes back where it was; what was scanned since then stays.
export function putBack(basket, row, at) {
  const kind = row.serial ? "coupons" : "lines";
  const rows = [...basket[kind]];
  rows.splice(Math.min(row.serial ? at - basket.lines.length : at, rows.length), 0, row);
  return repriced(basket, { [kind]: rows, selected: row.key });
}

// Another customer's points pay for no reward.
export function setMember(basket, member) {
  const isSame = member?.id === basket.member?.id;
  return repriced(basket, { member, coupons: basket.coupons.filter(({ hold }) => !hold || isSame) });
}

export const setApproval = (basket, approval) => ({ ...basket, approval });

export function moveSelection(basket, step) {
  const rows = rowsOf(basket);
  const at = rows.findIndex((row) => row.key === basket.selected);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  return { ...basket, selected: next?.key ?? null };
}

export const select = (basket, key) => ({ ...basket, selected: key });

// A line as the service takes it: POST /v1/quotes, /v1/sales and /v1/parked share the shape.
function toRequest(line) {
  const { sku, gtin, quantity_milli, discount, unit_price_minor, reason, gift_card } = line;
  return { sku, gtin, quantity_milli, discount, unit_price_minor, reason, gift_card };
}

export function toQuote(basket) {
  const coupons = basket.coupons.filter(({ hold }) => !hold).map(({ text }) => text);
  return { lines: basket.lines.map(toRequest), coupons, hold: basket.coupons.find(({ hold }) => hold)?.hold, member: basket.member?.id };
}

// A reward does not wait with the basket: its points are the customer's again.
export function toPark(basket, id, label) {
  return { id, ...toQuote(basket), hold: undefined, label };
}

export function toSale(basket, payment, quote) {
  return {
    id: basket.id,
    ...toQuote(basket),
    tenders: payment.tenders.map(({ kind, amount_minor, hold, code }) => ({ kind, amount_minor, hold, code })),
    receipt: payment.receipt,
    quote_due_minor: quote.totals.due_minor,
    currency: quote.currency,
    approval: basket.approval ?? undefined,
  };
}

// What an earlier release kept has no coupons.
export const fromMemory = (kept) => (kept ? { coupons: [], ...kept } : emptyBasket());

// A parked basket taken up again, without its coupons. Names come with the next quote.
export function fromParked(parked) {
  const basket = emptyBasket();
  const lines = parked.basket.lines.map((line) => {
    const kept = Object.entries(line).filter(([, value]) => value !== null);
    return { quantity_milli: 1000, ...Object.fromEntries(kept), key: newId(), name: line.sku ?? line.gtin, unit: "" };
  });
  const member = parked.member ? { id: parked.member, name: null, phone: null } : null;
  return { ...basket, lines, member, selected: lines.at(-1)?.key ?? null };
}
