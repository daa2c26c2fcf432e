// While money is taken: points of the customer's account, and money on a gift card.

import { html, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { setGiftCard } from "./basket.js";
import { Dialog, Problem, submit, useAsk } from "./dialog.js";
import { holdPoints } from "./holds.js";
import { money, wholeNumber } from "./money.js";
import { addTender, askApproval, leftToPay } from "./paying.js";
import { putBasket } from "./pricing.js";
import { claimScans, closePanel } from "./selling.js";
import { till as now } from "./state.js";
import { say } from "./texts.js";

// Points are set aside first, against a proof that the customer is here, and pay when the sale is booked.
export function PointsDialog({ till }) {
  const { redeem, points } = till.quote;
  const [wanted, setWanted] = useState(String(redeem.points));
  const [proof, setProof] = useState("");
  const ask = useAsk();
  const count = /^\d{1,9}$/.test(wanted.trim()) ? Number(wanted) : 0;
  const hold = (shown) => ask.run(async () => spend(await holdPoints(till.basket.member.id, count, shown)));
  const approved = async () => {
    const approval = await askApproval("redeem");
    if (approval) await hold({ kind: "approval", value: approval });
  };
  useLayoutEffect(() => claimScans((text) => (hold(text), true), true), [count]);
  return html`<${Dialog} title=${say("points_title")} onClose=${closePanel}>
    <p class="lead">${say("points_lead", { active: wholeNumber(points.balance.active), most: wholeNumber(redeem.points), value: money(redeem.value_minor) })}</p>
    <form onSubmit=${submit(() => count > 0 && proof.trim() && hold(proof.trim()))}>
      <label>${say("points_wanted")}
        <input id="points-wanted" class="large" inputmode="numeric" autocomplete="off" maxlength="9" value=${wanted}
          onInput=${(event) => setWanted(event.target.value.replace(/\D/g, ""))} /></label>
      <label>${say("points_proof")}
        <input id="proof" class="large" data-first type="password" inputmode="numeric" autocomplete="off" maxlength="40" value=${proof}
          onInput=${(event) => setProof(event.target.value)} /></label>
      <${Problem} problem=${ask.problem} />
      <footer>
        <button type="button" disabled=${!count || ask.busy} onClick=${approved}>${say("points_manager")}</button>
        <button class="main" disabled=${!count || !proof.trim() || ask.busy}>${say("points_do")} <kbd>Enter</kbd></button>
      </footer>
    </form>
  <//>`;
}

// Of what was set aside only as much pays as is left to pay; the sale lets the rest go. Was the payment left meanwhile,
// nobody needs the points any more and they are let go.
function spend(held) {
  closePanel();
  if (!now().payment) return;
  addTender("points", Math.min(held.value_minor, leftToPay(now()).other), { hold: held.id, points: held.points });
}

export function GiftCardDialog({ till }) {
  const [card, setCard] = useState(null);
  const left = leftToPay(till).other;
  const pays = card ? Math.min(card.balance_minor, left) : 0;
  const look = async (code) => setCard({ code, ...(await call("POST", "/v1/gift-cards/balance", { code })) });
  const pay = () => {
    closePanel();
    addTender("gift_card", pays, { code: card.code, ending: card.ending });
  };
  return html`<${CodeDialog} title=${say("tender_gift_card")} lead=${say("gift_card_lead")} onCode=${look}>
    ${card && html`<div class="refund"><span>${say("gift_card_is", { ending: card.ending })}</span><output class="huge">${money(card.balance_minor)}</output></div>
      <button type="button" class="main" key=${card.code} ref=${(button) => button && setTimeout(() => button.focus())} disabled=${pays <= 0}
        onClick=${pay}>${say("gift_card_pays", { amount: money(pays) })} <kbd>Enter</kbd></button>`}
  <//>`;
}

// The card that is sold: its price stands on it once the sale is booked.
export function NewGiftCardDialog({ till }) {
  const take = (code) => {
    closePanel();
    putBasket(setGiftCard(now().basket, till.panel.key, code));
  };
  return html`<${CodeDialog} title=${say("gift_card_sold")} lead=${say("gift_card_lead")} onCode=${take} />`;
}

// One code, scanned or typed.
function CodeDialog({ title, lead, onCode, children }) {
  const [text, setText] = useState("");
  const ask = useAsk();
  const go = (code) => ask.run(async () => onCode(code));
  useLayoutEffect(() => claimScans((code) => (setText(code), go(code), true), true), []);
  return html`<${Dialog} title=${title} onClose=${closePanel}>
    <p class="lead">${lead}</p>
    <form onSubmit=${submit(() => text.trim() && go(text.trim()))}>
      <label>${say("code")}
        <input id="card-code" class="large" data-first autocomplete="off" spellcheck=${false} maxlength="64" value=${text}
          onInput=${(event) => setText(event.target.value)} /></label>
      <${Problem} problem=${ask.problem} />
      <button class=${children ? "" : "main"} disabled=${!text.trim() || ask.busy}>${say("apply")} <kbd>Enter</kbd></button>
    </form>
    ${children}
  <//>`;
}
