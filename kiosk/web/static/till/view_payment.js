// Taking money, and the screen after it with the change.

import { html, useEffect, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { callBlob } from "./api.js";
import { likelyCash } from "./cash.js";
import { amount, money, parseAmount, wholeNumber } from "./money.js";
import { addTender, closePayment, complete, leftToPay, removeTender, setReceipt } from "./paying.js";
import { Choice, takeFocus } from "./dialog.js";
import { run, commandOf } from "./keys.js";
import { openPanel } from "./selling.js";
import { notify } from "./state.js";
import { hasText, say, sayCode } from "./texts.js";

export const tenderName = (kind) => (hasText(`tender_${kind}`) ? say(`tender_${kind}`) : kind);

export function Payment({ till }) {
  const [text, setText] = useState("");
  const left = leftToPay(till);
  const likely = likelyCash(left.cash);
  const typed = text.trim() === "" ? null : parseAmount(text);
  const give = (kind) => {
    if (text.trim() !== "" && typed === null) return notify("bad", say("not_an_amount"));
    setText("");
    return addTender(kind, typed);
  };
  const go = () => (left.isPaid ? complete() : give("cash"));
  useLayoutEffect(() => takeFocus(document.getElementById("amount")), [till.approval === null, till.pending === null]);
  const others = till.shop.tender_kinds.filter((kind) => !OWN_WAY.has(kind));
  const spend = () => canSpend(till) && openPanel("points");
  const redeem = () => till.shop.tender_kinds.includes("gift_card") && openPanel("gift_card");
  usePaymentKeys({ go, card: () => give("card"), spend, redeem, likely, isEmpty: text === "", tenders: till.payment.tenders });
  return html`<section class="payment" aria-label=${say("payment")}>
    <header><h2>${say("to_pay")}</h2><output class="huge">${money(left.isPaid ? 0 : left.cash)}</output>
      <button type="button" class="quiet" onClick=${closePayment} disabled=${till.pending}>${say("back")} <kbd>Esc</kbd></button></header>
    ${!left.isPaid && left.cash !== left.other && html`<p class="rounding" role="status">${say("in_coins", { exact: money(left.other), rounding: signed(left.cash - left.other) })}</p>`}
    <${Tenders} till=${till} />
    <div class="ways">
      <form onSubmit=${(event) => (event.preventDefault(), go())}>
        <label>${say("amount_given")}
          <input id="amount" class="large" inputmode="decimal" autocomplete="off" disabled=${till.pending}
            placeholder=${amount(left.cash)} value=${text} onInput=${(event) => setText(event.target.value)} /></label>
      </form>
      <div class="buttons">
        <button type="button" class="way" disabled=${till.pending} onClick=${() => give("cash")}>
          <span>${say("tender_cash")}</span><b>${money(typed ?? left.cash)}</b><kbd>Enter</kbd></button>
        <button type="button" class="way" disabled=${till.pending || left.other <= 0} onClick=${() => give("card")}>
          <span>${say("tender_card")}</span><b>${money(typed ?? left.other)}</b><kbd>F8</kbd></button>
        ${till.basket.member && html`<button type="button" class="way" disabled=${till.pending || !canSpend(till)} onClick=${spend}>
          <span>${say("tender_points")}</span>${canSpend(till) ? html`<b>${money(till.quote.redeem.value_minor)}</b>` : html`<small>${whyNotPoints(till)}</small>`}<kbd>F6</kbd></button>`}
        ${till.shop.tender_kinds.includes("gift_card") && html`<button type="button" class="way" disabled=${till.pending || left.other <= 0} onClick=${redeem}>
          <span>${say("tender_gift_card")}</span><b>${say("scan_it")}</b><kbd>F7</kbd></button>`}
        ${others.map((kind) => html`<button key=${kind} type="button" class="way" disabled=${till.pending} onClick=${() => give(kind)}>
          <span>${tenderName(kind)}</span><b>${money(typed ?? left.other)}</b></button>`)}
      </div>
    </div>
    <h3>${say("quick_cash")}</h3>
    <div class="buttons quick">
      ${likely.map((minor, at) => html`<button key=${minor} type="button" class="way" disabled=${till.pending}
        onClick=${() => addTender("cash", minor)}><b>${money(minor)}</b><small>${say("change_short", { change: money(minor - left.cash) })}</small>
        <kbd>Alt ${at + 1}</kbd></button>`)}
    </div>
    <${Choice} name="receipt" legend=${say("receipt")} value=${till.payment.receipt} onChange=${setReceipt}
      options=${[["paper", say("receipt_paper")], ["none", say("receipt_none")]]} />
  </section>`;
}

// Kinds with a button of their own.
const OWN_WAY = new Set(["cash", "card", "points", "gift_card"]);

// Points pay once in a sale: how many, is chosen when they are set aside.
const canSpend = ({ quote, payment, basket }) =>
  Boolean(basket.member && quote.redeem?.points > 0 && !payment.tenders.some(({ kind }) => kind === "points"));

function whyNotPoints({ quote, payment }) {
  if (payment.tenders.some(({ kind }) => kind === "points")) return "";
  return quote.redeem?.reason ? (sayCode(quote.redeem.reason) ?? "") : "";
}

const signed = (minor) => (minor > 0 ? `+${money(minor)}` : money(minor));

// Before the next key, not after the next picture: a key must never act on an amount that lacks its last digit.
function usePaymentKeys({ go, card, spend, redeem, likely, isEmpty, tenders }) {
  useLayoutEffect(() => {
    const listen = (event) => {
      if (document.querySelector("dialog[open]")) return;
      const at = event.altKey && /^Digit([1-4])$/.exec(event.code)?.[1];
      if (event.key === "F9" || (event.key === "Enter" && event.ctrlKey)) go();
      else if (event.key === "F6") spend();
      else if (event.key === "F7") redeem();
      else if (event.key === "F8") card();
      else if (at && likely[at - 1]) addTender("cash", likely[at - 1]);
      else if (event.key === "Backspace" && isEmpty && tenders.length) removeTender(tenders.length - 1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });
}

function Tenders({ till }) {
  const { tenders } = till.payment;
  if (!tenders.length) return null;
  return html`<ul class="tenders" aria-label=${say("given")}>
    ${tenders.map((tender, at) => html`<li key=${at}><span>${tenderName(tender.kind)}${tender.points ? ` · ${wholeNumber(tender.points)} ${say("points")}` : ""}${tender.ending ? ` · ${tender.ending}` : ""}</span><b>${money(tender.amount_minor)}</b>
      <button type="button" class="quiet" disabled=${till.pending} onClick=${() => removeTender(at)}>${say("remove")}
        ${at === tenders.length - 1 && html`<kbd>⌫</kbd>`}</button></li>`)}
  </ul>`;
}

// The picture of a paper as the printer makes it; it may take a moment until the service has drawn it.
export function Paper({ id }) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    let address = null;
    let gone = false;
    callBlob(`/v1/print-jobs/${id}.png`)
      .then((blob) => {
        if (gone) return;
        address = URL.createObjectURL(blob);
        setUrl(address);
      })
      .catch(() => {});
    return () => {
      gone = true;
      if (address) URL.revokeObjectURL(address);
    };
  }, [id]);
  return html`<div class="paper">${url ? html`<img src=${url} alt=${say("paper_alt")} />` : html`<p>${say("paper_wait")}</p>`}</div>`;
}

export function Finished({ sale }) {
  const { totals, points, print_job } = sale;
  const last = commandOf("Ctrl+P");
  return html`<section class="finished" aria-label=${say("sale_done")}>
    <div>
      <p class="done"><i aria-hidden="true"></i>${say("sale_done")} <b>${sale.number}</b></p>
      <h2>${say("change")}</h2>
      <output class="huge" role="status">${money(totals.change_minor)}</output>
      <dl>
        ${sale.tenders.map((tender) => html`<dt>${tenderName(tender.kind)}</dt><dd>${money(tender.amount_minor)}</dd>`)}
        ${sale.member && html`<dt>${say("points_earned")}</dt><dd>+${wholeNumber(points.earned)}</dd>
          ${points.redeemed > 0 && html`<dt>${say("points_redeemed")}</dt><dd>−${wholeNumber(points.redeemed)}</dd>`}
          <dt>${say("points_balance")}</dt><dd>${wholeNumber(points.balance.active)}</dd>`}
      </dl>
      ${sale.coupons?.issued.length > 0 && html`<p class="coupon-note">${say("coupons_issued", { count: sale.coupons.issued.length })}</p>`}
      ${sale.coupons?.unspent.map((coupon) => html`<p key=${coupon.serial} class="coupon-note">${say("coupon_kept", { why: sayCode(coupon.code) ?? coupon.text })}</p>`)}
      <p class="hint">${say("next_scan")}</p>
      <button type="button" onClick=${() => run(last)}>${say("key_last")} <kbd>Ctrl P</kbd></button>
    </div>
    ${print_job && html`<${Paper} id=${print_job.id} />`}
  </section>`;
}
