// Coupons to choose from, the question before one is taken, and the coupon itself.

import { html } from "../vendor/htm-preact-standalone.js";
import { Code } from "./codes.js";
import { look, showHeld, take } from "./coupons.js";
import { date, number, ofLanguage } from "./formats.js";
import { leave } from "./journey.js";
import { hasText, say } from "./texts.js";
import { Screen } from "./view_frame.js";

const until = (day) => (day ? say("until", { date: date(day) }) : "");

export function Coupons({ kiosk }) {
  const { held, offers, rewards, automatic } = kiosk.visitor.coupons;
  const isEmpty = held.length + offers.length + rewards.length + automatic.length === 0;
  return html`<${Screen} name="coupons" wide title=${say("coupons_title")} lead=${isEmpty ? say("coupons_none") : ""}>
    <div class="groups">
      <${Group} title=${say("coupons_mine")} items=${held} draw=${(each) => html`<${Row} key=${each.serial} title=${each.title}
        text=${until(each.valid_until)} does=${say("coupon_show")} onClick=${() => showHeld(each)} />`} />
      <${Group} title=${say("coupons_free")} items=${offers} draw=${(each) => html`<${Row} key=${each.offer} title=${each.title}
        text=${each.terms || until(each.valid_until)} does=${say("coupon_take")} onClick=${() => look(each)} />`} />
      <${Group} title=${say("coupons_paid")} items=${rewards} draw=${(each) => html`<${RewardRow} key=${each.reward} reward=${each} />`} />
      <${Group} title=${say("coupons_automatic")} items=${automatic} draw=${(each) => html`<p key=${each.offer} class="row still">
        <span><b>${each.title}</b><small>${each.terms}</small></span></p>`} />
    </div>
  <//>`;
}

function Group({ title, items, draw }) {
  return items.length > 0 && html`<section class="group"><h2>${title}</h2><div class="list">${items.map(draw)}</div></section>`;
}

function Row({ title, text, does, disabled, onClick }) {
  return html`<button type="button" class="row" disabled=${disabled} onClick=${onClick}>
    <span><b>${title}</b>${text && html`<small>${text}</small>`}</span><i>${does}</i></button>`;
}

function RewardRow({ reward }) {
  const { reason } = reward.quote;
  const why = reason && say(hasText(`reason_${reason}`) ? `reason_${reason}` : "reason_other");
  const title = ofLanguage(reward.names); // the shop's own words, in the language of the screen
  const cost = say("cost", { points: number(reward.points) });
  return html`<${Row} title=${title} text=${why ?? reward.terms} does=${cost} disabled=${Boolean(reason)}
    onClick=${() => look({ ...reward, title })} />`;
}

export function Confirm({ kiosk }) {
  const { choice, points } = kiosk.visitor;
  const { ready } = kiosk.shop.printer;
  const values = { points: number(choice.points ?? 0), active: number(points.active), left: number(points.active - (choice.points ?? 0)) };
  return html`<${Screen} name="confirm" title=${say("confirm_title")}>
    <div class="ticket-card"><b>${choice.title}</b>${choice.terms && html`<p>${choice.terms}</p>`}<p>${until(choice.valid_until)}</p></div>
    <p class="lead">${choice.reward ? say("confirm_cost", values) : say("confirm_free")}</p>
    ${!ready && html`<p class="notice info" role="status"><b aria-hidden="true">i</b>${say("printer_down")}</p>`}
    <div class="ways">
      ${ready && html`<button type="button" class="main" data-first disabled=${kiosk.busy} onClick=${() => take(true)}>${say("print_it")}</button>`}
      <button type="button" class=${ready ? "" : "main"} data-first=${!ready || null} disabled=${kiosk.busy} onClick=${() => take(false)}>${say("show_it")}</button>
    </div>
  <//>`;
}

export const Working = ({ kiosk }) => html`<${Screen} name="working" title=${say("working")} lead=${kiosk.attempt > 0 ? say("working_again") : ""}>
  <p class="dots" aria-hidden="true"><i></i><i></i><i></i></p>
<//>`;

export function Coupon({ kiosk }) {
  const { issued } = kiosk.visitor;
  return html`<${Screen} name="coupon" title=${say("coupon_title")} lead=${say(issued.isPrinted ? "coupon_printing" : "coupon_picture")}>
    <div class="ticket-card shown"><b>${issued.title}</b>
      <${Code} text=${issued.token} label=${say("coupon_code")} />
      <p class="typed"><small>${say("coupon_code")}</small> <output>${issued.code}</output></p>
      <p>${until(issued.valid_until)}</p></div>
    <button type="button" class="main" data-first onClick=${leave}>${say("done")}</button>
  <//>`;
}
