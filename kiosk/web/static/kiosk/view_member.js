// Who somebody is, the proof, and the points.

import { html } from "../vendor/htm-preact-standalone.js";
import { date, number } from "./formats.js";
import { findByPhone, prove, recognise, start } from "./journey.js";
import { Entry, NumberPad } from "./pads.js";
import { changeVisitor } from "./state.js";
import { say } from "./texts.js";
import { Screen } from "./view_frame.js";

const PHONE_LEAST = 6;
const PHONE_MOST = 20;
const PIN_LEAST = 4;
const PIN_MOST = 12;

const setEntry = (entry) => changeVisitor({ entry });

function submit(work) {
  return (event) => {
    event.preventDefault();
    work();
  };
}

export function Identify({ kiosk }) {
  const { entry } = kiosk.visitor;
  return html`<${Screen} name="identify" title=${say("identify_title")} lead=${say("identify_scan")}>
    <form class="ask" onSubmit=${submit(findByPhone)}>
      <${Entry} label=${say("phone")} value=${entry} />
      <${NumberPad} value=${entry} most=${PHONE_MOST} withPlus onChange=${setEntry} />
      <button class="main" disabled=${entry.length < PHONE_LEAST || kiosk.busy}>${say("go_on")}</button>
    </form>
  <//>`;
}

const describe = (member) => [member.name ?? say("no_name"), member.phone].filter(Boolean).join(" · ");

export function People({ kiosk }) {
  return html`<${Screen} name="people" title=${say("people_title")}>
    <div class="list">
      ${kiosk.visitor.people.map((member, at) => html`<button key=${member.id} type="button" class="row" data-first=${at === 0 || null}
        onClick=${() => recognise(member)}><b>${describe(member)}</b><i aria-hidden="true">→</i></button>`)}
    </div>
  <//>`;
}

export function Proof({ kiosk }) {
  const { entry, member } = kiosk.visitor;
  return html`<${Screen} name="proof" title=${say("proof_title")} who=${describe(member)} lead=${say("proof_scan")}>
    <form class="ask" onSubmit=${submit(() => prove(entry))}>
      <${Entry} label=${say("pin")} value=${entry} secret />
      <${NumberPad} value=${entry} most=${PIN_MOST} onChange=${setEntry} />
      <button class="main" disabled=${entry.length < PIN_LEAST || kiosk.busy}>${say("go_on")}</button>
    </form>
  <//>`;
}

export function Points({ kiosk }) {
  const { points } = kiosk.visitor;
  const rows = [["pending", points.pending], ["held", points.held], ["debt", points.debt]].filter(([, value]) => value);
  return html`<${Screen} name="points" title=${say("points_title")} lead=${points.provisional ? say("points_provisional") : ""}>
    <p class="sum"><output>${number(points.active)}</output> <span>${say("points_active")}</span></p>
    ${rows.length > 0 && html`<dl class="figures">
      ${rows.map(([name, value]) => html`<div key=${name}><dt>${say(`points_${name}`)}</dt><dd>${number(value)}</dd></div>`)}</dl>`}
    ${points.expiring.slice(0, 3).map((each) => html`<p key=${each.at} class="aside">${say("points_expiring", { points: number(each.points), date: date(each.at) })}</p>`)}
    <button type="button" class="main" data-first onClick=${() => start("coupons")}>${say("points_to_coupons")}</button>
  <//>`;
}
