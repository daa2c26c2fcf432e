// What the customer can have for points at the till: a reward that takes something off this sale. It is chosen where the
// customer is shown (F4), paid with points that are set aside against a proof, and lies on the basket like a coupon.

import { html, useEffect, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { setReward } from "./basket.js";
import { Dialog, Problem, submit, useAsk } from "./dialog.js";
import { holdPoints } from "./holds.js";
import { wholeNumber } from "./money.js";
import { askApproval } from "./paying.js";
import { putBasket } from "./pricing.js";
import { claimScans, closePanel, openPanel } from "./selling.js";
import { soundOk } from "./sounds.js";
import { change, till as now } from "./state.js";
import { language, say, sayCode } from "./texts.js";

// Money is a tender and a coupon is issued; both have their own way.
const OFF_THE_SALE = new Set(["percent", "amount", "product"]);

const titleOf = ({ id, title }) => title[language()] ?? title.en ?? Object.values(title)[0] ?? id;
const pointsOf = (points) => `${wholeNumber(points)} ${say("points")}`;

export function Rewards({ member }) {
  const [rewards, setRewards] = useState([]);
  useEffect(() => {
    let gone = false;
    call("GET", `/v1/rewards?member=${member}`).then(
      ({ items }) => gone || setRewards(items.filter(({ definition }) => OFF_THE_SALE.has(definition.gives.kind))),
      () => {}, // without an answer there is nothing to choose from
    );
    return () => (gone = true);
  }, [member]);
  if (!rewards.length) return null;
  return html`<div class="rows" role="group" aria-label=${say("rewards")}>
    ${rewards.map(({ definition, quote }) => html`<button key=${definition.id} type="button" class="reward" disabled=${Boolean(quote.reason)}
      onClick=${() => openPanel("reward", { reward: definition })}>
      <b>${titleOf(definition)}</b><span>${quote.reason ? sayCode(quote.reason) : ""} ${pointsOf(definition.points)}</span></button>`)}
  </div>`;
}

export function RewardDialog({ till }) {
  const { reward } = till.panel;
  const { member } = till.basket;
  const [proof, setProof] = useState("");
  const ask = useAsk();
  const take = (held) => {
    const row = { hold: held.id, serial: held.id, code: pointsOf(held.points), offer: `reward:${reward.id}`, title: titleOf(reward) };
    soundOk();
    change({ panel: null, payment: null });
    // Should the customer have gone meanwhile, nothing needs the points any more and they are let go.
    if (now().basket.member?.id === member.id) putBasket(setReward(now().basket, row));
  };
  const redeem = (shown) => ask.run(() => holdPoints(member.id, reward.points, shown, { reward: reward.id, take }));
  const approved = async () => {
    const approval = await askApproval("redeem");
    if (approval) await redeem({ kind: "approval", value: approval });
  };
  useLayoutEffect(() => claimScans((text) => (redeem(text), true), true), []);
  return html`<${Dialog} title=${titleOf(reward)} onClose=${closePanel}>
    <p class="lead">${say("reward_lead", { points: wholeNumber(reward.points) })}</p>
    <form onSubmit=${submit(() => proof.trim() && redeem(proof.trim()))}>
      <label>${say("points_proof")}
        <input id="proof" class="large" data-first type="password" inputmode="numeric" autocomplete="off" maxlength="40" value=${proof}
          onInput=${(event) => setProof(event.target.value)} /></label>
      <${Problem} problem=${ask.problem} />
      <footer>
        <button type="button" disabled=${ask.busy} onClick=${approved}>${say("points_manager")}</button>
        <button class="main" disabled=${!proof.trim() || ask.busy}>${say("points_do")} <kbd>Enter</kbd></button>
      </footer>
    </form>
  <//>`;
}
