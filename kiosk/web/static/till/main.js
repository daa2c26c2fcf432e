// The till: one state (state.js), drawn as one tree. This file only connects things.

import { html, render } from "../vendor/htm-preact-standalone.js";
import { setListeners } from "./api.js";
import { fromMemory } from "./basket.js";
import { listenForKeys } from "./keys.js";
import { look } from "./link.js";
import { onChangeElsewhere, recall } from "./memory.js";
import { retryNow } from "./outbox.js";
import { reprice } from "./pricing.js";
import { listenForScans, putText } from "./scanner.js";
import { signedOut, start } from "./session.js";
import { takeScan } from "./selling.js";
import { change, onChange, till } from "./state.js";
import { setLanguage } from "./texts.js";
import { BasketTable, Entry } from "./view_basket.js";
import { Banner, Calls, KeyRow, Messages, TopStrip } from "./view_frame.js";
import { CardDialog } from "./view_card.js";
import { HelpDialog } from "./view_help.js";
import { ApprovalDialog, LineDialog } from "./view_line.js";
import { EnrolDialog, MemberDialog } from "./view_member.js";
import { ParkDialog, ParkedDialog } from "./view_parked.js";
import { Finished, Payment } from "./view_payment.js";
import { GiftCardDialog, NewGiftCardDialog, PointsDialog } from "./view_points.js";
import { LastDialog, ReturnDialog, ReturnedDialog } from "./view_return.js";
import { ShiftDialog } from "./view_shift.js";
import { Side } from "./view_side.js";
import { RewardDialog } from "./view_reward.js";
import { Float, Pairing, SignIn, Waiting } from "./view_start.js";

const PANELS = {
  member: MemberDialog, card: CardDialog, enrol: EnrolDialog, points: PointsDialog, reward: RewardDialog, gift_card: GiftCardDialog, new_gift_card: NewGiftCardDialog, line: LineDialog, park: ParkDialog, parked: ParkedDialog, shift: ShiftDialog,
  returns: ReturnDialog, returned: ReturnedDialog, last: LastDialog, help: HelpDialog,
};
const BEFORE = { start: Waiting, pairing: Pairing, sign_in: SignIn, float: Float };

function Till({ till: state }) {
  const Before = BEFORE[state.phase];
  if (Before) return html`<div class="before"><${Banner} till=${state} /><${Before} till=${state} /><${Messages} till=${state} /></div>`;
  const Panel = state.panel && PANELS[state.panel.name];
  return html`<div class="till">
    <${TopStrip} till=${state} /><div class="banners"><${Calls} till=${state} /><${Banner} till=${state} /></div>
    <main class="work"><${Work} state=${state} />${!Panel && !state.approval && html`<${Messages} till=${state} />`}</main>
    <${Side} till=${state} /><${KeyRow} till=${state} />
    ${Panel && html`<${Panel} key=${state.panel.name} till=${state} />`}
    ${state.approval && html`<${ApprovalDialog} approval=${state.approval} />`}
  </div>`;
}

function Work({ state }) {
  if (state.payment && state.quote) return html`<${Payment} till=${state} /><${BasketTable} till=${state} />`;
  return html`<${Entry} till=${state} />${state.finished ? html`<${Finished} sale=${state.finished} />` : html`<${BasketTable} till=${state} />`}`;
}

function scan(text) {
  if (till().phase === "pairing") return scanCode(text);
  const entry = document.getElementById("entry");
  const waiting = till().panel ? "" : (entry?.value ?? "");
  takeScan(text, /[*×]\s*$/.test(waiting) ? waiting : "");
  if (!/[*×]\s*$/.test(waiting)) return;
  putText(entry, "");
}

// How many letters at a scanner's speed are a scan. Names, PINs and amounts are typed before selling, however fast; in a
// manager's approval they are shorter than any barcode.
function shortestScan() {
  const { phase, approval } = till();
  if (phase !== "selling" && phase !== "pairing") return Infinity;
  return approval ? 8 : 5;
}

// The pairing code from a manager's screen: one scan is all it takes.
function scanCode(text) {
  const field = document.getElementById("code");
  putText(field, text);
  setTimeout(() => field.form.requestSubmit()); // after the form has been drawn with it
}

function takeFromElsewhere(name) {
  if (name === "basket" && till().basket && recall("basket")) {
    change({ basket: fromMemory(recall("basket")) });
    reprice();
  }
  if (name === "last") change({ last: recall("last") });
}

setLanguage(navigator.language.slice(0, 2));
setListeners({
  onReach(isReached) {
    if (isReached && till().unreachable) retryNow();
    if (isReached !== !till().unreachable) change({ unreachable: isReached ? null : Date.now() });
  },
  onUnauthorized: signedOut,
  onReadOnly: look, // the banner says why, and what mends it
});
const root = document.getElementById("till");
onChange((state) => render(html`<${Till} till=${state} />`, root));
listenForScans(scan, shortestScan);
listenForKeys();
onChangeElsewhere(takeFromElsewhere);
start();
