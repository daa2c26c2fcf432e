// The right side: customer, sums, what is due, and the pay button, which never moves.

import { html } from "../vendor/htm-preact-standalone.js";
import { run, commandOf } from "./keys.js";
import { money, wholeNumber } from "./money.js";
import { addTender, complete, leftToPay } from "./paying.js";
import { isPriced } from "./pricing.js";
import { nextCustomer } from "./selling.js";
import { balanceOf } from "./standing.js";
import { say } from "./texts.js";

const OFFERS_SHOWN = 3;

export function Side({ till }) {
  return html`<aside class="side" aria-label=${say("total")}>
    <${Customer} till=${till} />
    <${Standing} till=${till} />
    <${Sums} till=${till} />
    <${MainButton} till=${till} />
  </aside>`;
}

function Customer({ till }) {
  const { member } = till.basket;
  const member_key = commandOf("F4");
  const balance = balanceOf(till);
  const open = () => run(member_key);
  if (!member)
    return html`<button type="button" class="customer none" onClick=${open} disabled=${till.pending}>
      <span>${say("no_customer")}</span><small>${say("scan_card")}</small><kbd>F4</kbd></button>`;
  return html`<button type="button" class="customer" onClick=${open} disabled=${till.pending}>
    <i class="face" aria-hidden="true">${[...(member.name ?? "?")][0]}</i>
    <span><b>${member.name ?? say("nameless")}</b><small>${member.phone ?? ""}</small></span>
    <span class="points">${balance ? html`<b>${wholeNumber(balance.active)}</b><small>${say("points")}</small>` : ""}</span>
    <kbd>F4</kbd></button>`;
}

// What else there is to say of the member: tier, points that are not free now, offers that are open to her.
function Standing({ till }) {
  const { standing } = till;
  const balance = balanceOf(till);
  if (!till.basket.member || !balance) return null;
  const others = ["pending", "held", "debt"].filter((name) => balance[name] > 0);
  const offers = standing?.offers ?? [];
  const more = offers.length - OFFERS_SHOWN;
  return html`<div class="member">
    ${standing?.tier && html`<b class="tag">${standing.tier}</b>`}
    ${others.map((name) => html`<span key=${name} class=${name === "debt" ? "owed" : ""}>${say(`balance_${name}`)} <b>${wholeNumber(balance[name])}</b></span>`)}
    ${standing?.points?.provisional && html`<small>${say("points_provisional")}</small>`}
    ${offers.length > 0 && html`<ul aria-label=${say("member_offers")}>${offers.slice(0, OFFERS_SHOWN).map((offer) => html`<li key=${offer.offer}>${offer.title}${offer.coupon && html` <small>${say("by_coupon")}</small>`}</li>`)}
      ${more > 0 && html`<li><small>${say("offers_more", { count: more })} <kbd>F4</kbd></small></li>`}</ul>`}
  </div>`;
}

function Sums({ till }) {
  const { quote, finished } = till;
  const shown = finished ?? (till.basket.lines.length ? quote : null);
  const sums = shown?.totals;
  const stale = !finished && shown && !isPriced(till);
  // What points pay earns less or nothing: how much is known with the sale.
  const earns = sums && (finished || !till.payment?.tenders.some(({ kind }) => kind === "points")) ? shown.points.earned : 0;
  return html`<div class=${stale ? "sums stale" : "sums"}>
    ${sums && html`<dl>
      <dt>${say("gross")}</dt><dd>${money(sums.gross_minor)}</dd>
      ${sums.discount_minor > 0 && html`<dt class="off">${say("discounts")}</dt><dd class="off">${money(-sums.discount_minor)}</dd>`}
      ${sums.taxes.map((tax) => html`<dt class="tax">${say(till.shop.prices_include_tax ? "tax" : "tax_added", { rate: tax.rate })}</dt><dd class="tax">${money(tax.tax_minor)}</dd>`)}
      ${sums.rounding_minor !== 0 && html`<dt>${say("rounding")}</dt><dd>${money(sums.rounding_minor)}</dd>`}
      ${earns > 0 && html`<dt class="earn">${say("earns")}</dt><dd class="earn">+${wholeNumber(earns)}</dd>`}
    </dl>`}
    <div class="due"><span>${finished ? say("paid_total") : say("due")}</span><output>${money(sums?.due_minor ?? 0)}</output></div>
  </div>`;
}

// One place for the button that goes on: pay, take the rest in cash, next customer.
function MainButton({ till }) {
  const { payment, pending, finished } = till;
  if (pending)
    return html`<button type="button" class="pay" disabled><span class="busy"></span>${say("sending")}</button>`;
  if (finished)
    return html`<button type="button" class="pay next" onClick=${nextCustomer}>${say("next_customer")} <kbd>Esc</kbd></button>`;
  if (payment) {
    const { isPaid, cash } = leftToPay(till);
    return html`<button type="button" class="pay" disabled=${!isPriced(till)} onClick=${() => (isPaid ? complete() : addTender("cash", null))}>
      ${isPaid ? say("complete") : html`<span class="two"><small>${say("cash_exact")}</small><b>${money(cash)}</b></span>`} <kbd>F9</kbd></button>`;
  }
  const pay = commandOf("F9");
  return html`<button type="button" class="pay" disabled=${!isPriced(till)} onClick=${() => run(pay)}>${say("key_pay")} <kbd>F9</kbd></button>`;
}
