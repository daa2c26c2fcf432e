// The kiosk: one state (state.js), drawn as one tree. This file only connects things.

import { html, render } from "../vendor/htm-preact-standalone.js";
import { listenForScans } from "../till/scanner.js";
import { watchIdle } from "./idle.js";
import { takeScan } from "./journey.js";
import { listenForKeys, undoScan } from "./keys.js";
import { pair, start } from "./session.js";
import { kiosk, onChange } from "./state.js";
import { setLanguage } from "./texts.js";
import { Confirm, Coupon, Coupons, Working } from "./view_coupons.js";
import { Idle, Keys, Notice, Staff, TopStrip } from "./view_frame.js";
import { Consents, Join, JoinConsents, Joined, JoinPin } from "./view_joining.js";
import { Identify, People, Points, Proof } from "./view_member.js";
import { Attract, Closed, Menu, Pairing, Waiting } from "./view_start.js";

const SHORTEST_SCAN = 8; // a pairing code; cards have 20 digits
const PLAIN = { starting: Waiting, pairing: Pairing, closed: Closed };
const SCREENS = {
  menu: Menu, identify: Identify, people: People, proof: Proof, points: Points, coupons: Coupons, confirm: Confirm,
  working: Working, coupon: Coupon, join: Join, join_consents: JoinConsents, join_pin: JoinPin, joined: Joined, consents: Consents,
};

function Kiosk({ state }) {
  const Plain = PLAIN[state.phase];
  if (Plain) return html`<${Plain} kiosk=${state} />`;
  if (state.phase === "attract") return html`<div class="first"><${Attract} kiosk=${state} /><${Notice} /></div>`;
  const Work = SCREENS[state.phase];
  const isCovered = state.idle !== null || Boolean(state.asksStaff);
  return html`<div class="kiosk">
    <${TopStrip} kiosk=${state} />
    <main class="work" inert=${isCovered}><${Work} key=${`${state.visit} ${state.phase}`} kiosk=${state} /></main>
    <${Keys} kiosk=${state} />
    ${state.asksStaff && state.idle === null && html`<${Staff} />`}
    ${state.idle !== null && html`<${Idle} seconds=${state.idle} />`}
  </div>`;
}

function scan(text) {
  if (kiosk().phase === "pairing") pair(text, document.title).catch(() => {}); // wrong: the field is there for typing it
  else {
    undoScan();
    takeScan(text);
  }
}

const root = document.getElementById("kiosk");
setLanguage(navigator.language.slice(0, 2));
onChange((state) => {
  document.documentElement.toggleAttribute("data-large", state.large);
  document.documentElement.toggleAttribute("data-contrast", state.contrast);
  render(html`<${Kiosk} state=${state} />`, root);
});
listenForScans(scan, () => SHORTEST_SCAN);
listenForKeys();
watchIdle();
start();
