// What stays in its place on every screen: languages on top with the steps, the keys for help at the bottom.

import { html, useLayoutEffect, useRef } from "../vendor/htm-preact-standalone.js";
import { touch } from "./idle.js";
import { back, callStaff, leave, needNoHelp } from "./journey.js";
import { useLanguage } from "./session.js";
import { change, kiosk } from "./state.js";
import { LANGUAGES, NAMES, say } from "./texts.js";

const STEPS = {
  points: ["who", "proof", "points"], coupons: ["who", "proof", "coupons"],
  consents: ["who", "proof", "consents"], join: ["phone", "consents", "pin"],
};
const PLACES = {
  identify: 1, people: 1, proof: 2, points: 3, coupons: 3, confirm: 3, consents: 3, join: 1, join_consents: 2, join_pin: 3,
};

export function TopStrip({ kiosk: state }) {
  return html`<header class="top">
    <p class="brand"><span aria-hidden="true"></span>${state.shop?.store}</p>
    <div class="languages" role="group" aria-label=${say("language")}>
      ${LANGUAGES.map((language) => html`<button key=${language} type="button" lang=${language}
        aria-pressed=${language === state.language} onClick=${() => useLanguage(language)}>${NAMES[language]}</button>`)}
    </div>
    <${Steps} state=${state} />
  </header>`;
}

function Steps({ state }) {
  const names = STEPS[state.visitor.job];
  const place = PLACES[state.phase];
  if (!names || !place) return null;
  return html`<ol class="steps" aria-label=${say("step", { number: place, count: names.length })}>
    ${names.map((name, at) => html`<li key=${name} class=${at + 1 < place ? "past" : at + 1 === place ? "now" : ""}
      aria-current=${at + 1 === place ? "step" : null}><b>${at + 1 < place ? "✓" : at + 1}</b> ${say(`step_${name}`)}</li>`)}
  </ol>`;
}

export function Keys({ kiosk: state }) {
  const { phase, large, contrast, asksStaff } = state;
  return html`<nav class="keys" aria-label=${say("tools")}>
    <button type="button" disabled=${phase === "working"} onClick=${back}><i aria-hidden="true">←</i>${say("back")}</button>
    <button type="button" onClick=${leave}><i aria-hidden="true">↺</i>${say("start_over")}</button>
    <button type="button" aria-pressed=${Boolean(asksStaff)} onClick=${asksStaff ? needNoHelp : callStaff}><i aria-hidden="true">?</i>${say("call_staff")}</button>
    <button type="button" aria-pressed=${large} onClick=${() => change({ large: !large })}><i aria-hidden="true">A</i>${say(large ? "smaller" : "larger")}</button>
    <button type="button" aria-pressed=${contrast} onClick=${() => change({ contrast: !contrast })}><i aria-hidden="true">◐</i>${say(contrast ? "contrast_off" : "contrast")}</button>
  </nav>`;
}

export function Notice() {
  const { notice } = kiosk();
  return html`<div class="notices" role="status" aria-live="polite">
    ${notice && html`<p class=${`notice ${notice.tone}`}><b aria-hidden="true">${notice.tone === "good" ? "✓" : "!"}</b>${notice.text}</p>`}
  </div>`;
}

// One question a screen: a heading, what it asks, and the way on. The first thing to press has the focus as soon as it is drawn.
export function Screen({ title, who, lead, name, wide, children }) {
  const frame = useRef();
  useLayoutEffect(() => (frame.current.querySelector("[data-first]") ?? frame.current).focus({ preventScroll: true }), [name]);
  return html`<section ref=${frame} tabindex="-1" class=${`screen ${name}${wide ? " wide" : ""}`}>
    <div class="words"><h1>${title}</h1>${who && html`<p class="who">${who}</p>`}${lead && html`<p class="lead">${lead}</p>`}<${Notice} /></div>
    ${children}
  </section>`;
}

export function Idle({ seconds }) {
  const frame = useRef();
  useLayoutEffect(() => frame.current.querySelector("button").focus(), []);
  return html`<div class="over"><div ref=${frame} class="sheet" role="dialog" aria-modal="true" aria-label=${say("idle_title")}>
    <h1>${say("idle_title")}</h1>
    <p class="count" aria-hidden="true">${seconds}</p>
    <p class="lead">${say("idle_text", { seconds })}</p>
    <button type="button" class="main" onClick=${touch}>${say("idle_stay")}</button>
  </div></div>`;
}

export function Staff() {
  const frame = useRef();
  const { asksStaff } = kiosk();
  useLayoutEffect(() => frame.current.querySelector("button").focus(), []);
  return html`<div class="over"><div ref=${frame} class="sheet" role="dialog" aria-modal="true" aria-label=${say("staff_title")}>
    <p class="sign" aria-hidden="true">?</p>
    <h1>${say("staff_title")}</h1>
    <p class="lead" role="status">${say(asksStaff === "called" ? "staff_called" : "staff_text")}</p>
    <button type="button" class="main" onClick=${needNoHelp}>${say("staff_back")}</button>
  </div></div>`;
}
