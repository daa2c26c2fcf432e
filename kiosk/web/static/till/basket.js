// The basket as a value: what was scanned, not what it costs. Prices come from the service alone.
//
//   {id, revision, lines: [{key, sku | gtin, name, unit, quantity_milli, discount?, unit_price_minor?, reason?}],
//    member: {id, name, phone} | null, approval: text | null, selected: key | null}
//
// `id` becomes the id of the sale. It is made with the basket, long before anything is sent. `revision` changes with
// everything that can change the price.

import { newId } from "./ids.js";

export function emptyBasket() {
  return { id: newId(), revision: newId(), lines: [], member: null, approval: null, selected: null };
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

export const lineOf = (basket, key) => basket.lines.find((line) => line.key === key);
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

export function removeLine(basket, key) {
  const at = basket.lines.findIndex((line) => line.key === key);
  const lines = basket.lines.filter((line) => line.key !== key);
  return repriced(basket, { lines, selected: (lines[at] ?? lines[at - 1])?.key ?? null });
}

// Undo: the line comes back where it was; what was scanned since then stays.
export function putBack(basket, line, at) {
  const lines = [...basket.lines];
  lines.splice(Math.min(at, lines.length), 0, line);
  return repriced(basket, { lines, selected: line.key });
}

export const setMember = (basket, member) => repriced(basket, { member });
export const setApproval = (basket, approval) => ({ ...basket, approval });

export function moveSelection(basket, step) {
  const at = basket.lines.findIndex((line) => line.key === basket.selected);
  const next = basket.lines[Math.max(0, Math.min(basket.lines.length - 1, at + step))];
  return { ...basket, selected: next?.key ?? null };
}

export const select = (basket, key) => ({ ...basket, selected: key });

// A line as the service takes it: POST /v1/quotes, /v1/sales and /v1/parked share the shape.
function toRequest(line) {
  const { sku, gtin, quantity_milli, discount, unit_price_minor, reason } = line;
  return { sku, gtin, quantity_milli, discount, unit_price_minor, reason };
}

export function toQuote(basket) {
  return { lines: basket.lines.map(toRequest), member: basket.member?.id };
}

export function toPark(basket, id, label) {
  return { id, ...toQuote(basket), label };
}

export function toSale(basket, payment, quote) {
  return {
    id: basket.id,
    ...toQuote(basket),
    tenders: payment.tenders,
    receipt: payment.receipt,
    quote_due_minor: quote.totals.due_minor,
    currency: quote.currency,
    approval: basket.approval ?? undefined,
  };
}

// A parked basket taken up again. Names come with the next quote.
export function fromParked(parked) {
  const basket = emptyBasket();
  const lines = parked.basket.lines.map((line) => {
    const kept = Object.entries(line).filter(([, value]) => value !== null);
    return { quantity_milli: 1000, ...Object.fromEntries(kept), key: newId(), name: line.sku ?? line.gtin, unit: "" };
  });
  const member = parked.member ? { id: parked.member, name: null, phone: null } : null;
  return { ...basket, lines, member, selected: lines.at(-1)?.key ?? null };
}
