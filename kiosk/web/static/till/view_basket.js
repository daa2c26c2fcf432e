// The entry line, the list of found articles and the basket.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact-standalone.js";
import { rowsOf, select } from "./basket.js";
import { effectOf } from "./coupons.js";
import { takeFocus } from "./dialog.js";
import { amount, money, quantity } from "./money.js";
import { isPriced, putBasket } from "./pricing.js";
import { addProduct, search, stopSearch, takeTyped } from "./selling.js";
import { change, clearNotice } from "./state.js";
import { say } from "./texts.js";

const SEARCH_MS = 120; // longer than a scan takes, so that a scan does not search for its own digits

export function Entry({ till }) {
  const [text, setText] = useState("");
  const timer = useRef(0);
  const found = till.search;
  useLayoutEffect(() => takeFocus(document.getElementById("entry")), [till.panel === null, till.payment === null]);
  const type = (value) => {
    setText(value);
    clearTimeout(timer.current);
    if (value.trim() === "") return stopSearch();
    timer.current = setTimeout(search, SEARCH_MS, value);
  };
  const clear = () => {
    clearTimeout(timer.current);
    setText("");
    stopSearch();
  };
  const enter = () => {
    clearNotice();
    const chosen = found?.items[found.at];
    const typed = text;
    clear();
    if (chosen) addProduct(chosen, found.quantityMilli);
    else if (typed.trim()) takeTyped(typed);
  };
  const keys = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.ctrlKey && text.trim()) {
      event.preventDefault();
      enter();
    } else if (event.key === "Escape") clear();
    else if (found && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      moveFound(found, event.key === "ArrowDown" ? 1 : -1);
    }
  };
  const scanned = till.scanned && (till.scanned.ok ? "ok" : "bad");
  return html`<div class="entry">
    <label class="field">
      <i key=${till.scanned?.at} class=${`flash ${scanned ?? ""}`} aria-hidden="true"></i>
      <span class="sign" aria-hidden="true"></span>
      <input id="entry" role="combobox" aria-expanded=${Boolean(found)} aria-controls="found" autocomplete="off"
        aria-activedescendant=${found && found.at >= 0 ? `found-${found.at}` : undefined} aria-label=${say("entry")}
        spellcheck=${false} maxlength="400" placeholder=${say("entry_hint")} value=${text}
        onInput=${(event) => type(event.target.value)} onKeyDown=${keys} />
      <kbd>F2</kbd>
    </label>
    ${found && html`<${Found} found=${found} onChoose=${(item) => (clear(), addProduct(item, found.quantityMilli))} />`}
  </div>`;
}

function moveFound(found, step) {
  const at = Math.max(0, Math.min(found.items.length - 1, found.at + step));
  change({ search: { ...found, at } });
}

function Found({ found, onChoose }) {
  const list = useRef();
  useEffect(() => list.current?.querySelector(".on")?.scrollIntoView({ block: "nearest" }), [found.at]);
  return html`<ul id="found" class="found" role="listbox" aria-label=${say("found")} ref=${list}>
    ${found.items.map(
      (item, at) => html`<li key=${item.sku} id=${`found-${at}`} role="option" aria-selected=${at === found.at}
        class=${at === found.at ? "on" : ""} onMouseDown=${(event) => (event.preventDefault(), onChoose(item))}>
        <span class="name">${item.name}</span><small>${item.sku}</small>
        <small>${say("stock", { quantity: quantity(item.stock_milli, item.unit) })}</small>
        <b>${money(item.price_minor)}</b>
      </li>`,
    )}
  </ul>`;
}

export function BasketTable({ till }) {
  const { basket, quote } = till;
  const body = useRef();
  useEffect(() => body.current?.querySelector(".on")?.scrollIntoView({ block: "nearest" }), [basket.selected, rowsOf(basket).length]);
  if (!rowsOf(basket).length) return html`<${Empty} till=${till} />`;
  const priced = isPriced(till);
  return html`<div class="lines" tabindex="-1" ref=${body}>
    <table class=${priced ? "" : "stale"}>
      <thead><tr>
        <th class="n">${say("line")}</th><th>${say("article")}</th><th class="n">${say("quantity")}</th>
        <th class="n">${say("unit_price")}</th><th class="n">${say("net")}</th>
      </tr></thead>
      <tbody>${basket.lines.map((line, at) => html`<${Line} key=${line.key} line=${line} at=${at} priced=${quote?.lines.get(line.key)}
        on=${line.key === basket.selected} wrong=${quote?.wrong === line.key && !priced}
        onSelect=${() => putBasket(select(basket, line.key))} />`)}
        ${basket.coupons.map((coupon) => html`<${Coupon} key=${coupon.key} coupon=${coupon} quote=${priced ? quote : null} on=${coupon.key === basket.selected}
          onSelect=${() => putBasket(select(basket, coupon.key))} />`)}</tbody>
    </table>
    <${NearMisses} quote=${priced ? quote : null} coupons=${basket.coupons} />
  </div>`;
}

function Line({ line, at, priced, on, wrong, onSelect }) {
  const state = [on && "on", wrong && "wrong"].filter(Boolean).join(" ");
  const byHand = line.unit_price_minor !== undefined;
  return html`<tr class=${state} aria-current=${on ? "true" : undefined} onClick=${onSelect}>
    <td class="n">${at + 1}</td>
    <td><span class="name">${priced?.name ?? line.name}</span>
      ${byHand && html`<small class="mark">${say("price_by_hand")}: ${line.reason}</small>`}
      ${line.gift_card && html`<small>${say("tender_gift_card")} · ${line.gift_card.slice(-4)}</small>`}
      ${priced?.discounts.map((off) => html`<small class="off">${off.reason} <b>${amount(-off.amount_minor)}</b></small>`)}
      ${priced?.lowest_30_days_minor > 0 && html`<small>${say("lowest_price", { price: money(priced.lowest_30_days_minor) })}</small>`}</td>
    <td class="n">${quantity(priced?.quantity_milli ?? line.quantity_milli, priced?.unit ?? line.unit)}</td>
    <td class="n">${priced ? amount(priced.unit_price_minor) : "…"}</td>
    <td class="n net">${priced ? amount(priced.net_minor) : "…"}</td>
  </tr>`;
}

// A coupon on the basket: what it takes off, or why it takes nothing off.
function Coupon({ coupon, quote, on, onSelect }) {
  const { off, why } = effectOf(coupon, quote);
  const state = ["coupon", on && "on", why && "idle"].filter(Boolean).join(" ");
  return html`<tr class=${state} aria-current=${on ? "true" : undefined} onClick=${onSelect}>
    <td class="n">%</td>
    <td colspan="3"><span class="name">${coupon.title ?? say("coupon")}</span><small>${coupon.code}${why && html` <b class="mark">${why}</b>`}</small></td>
    <td class="n off">${off ? amount(-off) : "–"}</td>
  </tr>`;
}

// What the customer could be told: a little more, and an offer counts.
function NearMisses({ quote, coupons }) {
  const shown = (quote?.near_misses ?? []).filter(({ offer }) => !coupons.some((coupon) => coupon.offer === offer));
  if (!shown.length) return null;
  return html`<ul class="near" aria-label=${say("near_misses")}>${shown.map((near) => html`<li key=${near.offer}>${near.text}${near.title && html` <small>${near.title}</small>`}</li>`)}</ul>`;
}

function Empty({ till }) {
  return html`<div class="empty">
    <div class="barcode" aria-hidden="true">${[3, 1, 2, 1, 4, 1, 1, 3, 2, 1, 3, 1, 2].map((width) => html`<i data-w=${width}></i>`)}</div>
    <p class="big">${say("empty_title")}</p>
    <p>${say("empty_text")}</p>
    ${till.parked > 0 && html`<p>${say("parked_waiting", { count: till.parked })} <kbd>F8</kbd></p>`}
  </div>`;
}
