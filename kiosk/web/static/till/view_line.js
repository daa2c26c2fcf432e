// F6: a discount or another price for the selected line, and the manager's word where it needs one.

import { html, useState } from "../vendor/htm-preact-standalone.js";
import { clearChanges, selectedLine, setApproval, setDiscount, setPrice } from "./basket.js";
import { Choice, Dialog, Problem, submit, useAsk } from "./dialog.js";
import { amount, money, moneyTerms, parseAmount } from "./money.js";
import { answerApproval, approve, askApproval } from "./paying.js";
import { putBasket } from "./pricing.js";
import { PinPad } from "./view_start.js";
import { closePanel } from "./selling.js";
import { notify, till } from "./state.js";
import { say } from "./texts.js";

const REASONS = ["reason_damaged", "reason_expiring", "reason_label", "reason_competitor", "reason_goodwill"];
const PERCENTS = [5, 10, 20, 30, 50];

export function LineDialog({ till: state }) {
  const line = selectedLine(state.basket);
  const [kind, setKind] = useState("percent");
  const [text, setText] = useState("");
  const [reason, setReason] = useState(REASONS[0]);
  const [other, setOther] = useState("");
  if (!line) return null;
  const value = kind === "percent" ? percentOf(text) : parseAmount(text);
  const why = (other.trim() || say(reason)).slice(0, 200);
  const isValid = value !== null && (value > 0 || kind === "price");
  const apply = submit(() => isValid && change(line, kind, value, why));
  const priced = state.quote?.lines.get(line.key);
  const options = [["percent", say("discount_percent")], ["amount", say("discount_amount")], ["price", say("new_price")]];
  return html`<${Dialog} title=${line.name} onClose=${closePanel}>
    ${priced && html`<p class="lead">${say("price_now", { unit: money(priced.unit_price_minor), net: money(priced.net_minor) })}</p>`}
    <form onSubmit=${apply}>
      <${Choice} name="kind" legend=${say("what_changes")} options=${options} value=${kind} onChange=${(key) => (setKind(key), setText(""))} />
      ${kind === "percent" && html`<div class="people">${PERCENTS.map((percent) => html`<button type="button" class="chip"
        onClick=${() => setText(String(percent))}>${percent} %</button>`)}</div>`}
      <label>${kind === "percent" ? say("percent_value") : say("amount_value", { currency: moneyTerms().currency })}
        <input id="value" class="large" data-first inputmode="decimal" autocomplete="off" value=${text}
          placeholder=${kind === "percent" ? "10" : amount(0)} onInput=${(event) => setText(event.target.value)} /></label>
      <${Choice} name="reason" legend=${say("reason")} options=${REASONS.map((key) => [key, say(key)])} value=${reason} onChange=${setReason} />
      <label>${say("reason_other")}
        <input maxlength="200" autocomplete="off" value=${other} onInput=${(event) => setOther(event.target.value)} /></label>
      <footer>
        ${(line.discount || line.unit_price_minor !== undefined) && html`<button type="button" onClick=${() => reset(line)}>${say("undo_changes")}</button>`}
        <button class="main" disabled=${!isValid}>${say("apply")} <kbd>Enter</kbd></button>
      </footer>
    </form>
  <//>`;
}

function percentOf(text) {
  return /^\d{1,3}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 100 ? Number(text) : null;
}

function reset(line) {
  closePanel();
  putBasket(clearChanges(till().basket, line.key));
}

// A price of one's own needs a manager; asked now, while the manager stands here, and used when the sale is booked.
async function change(line, kind, value, reason) {
  if (kind === "price" && !till().basket.approval) {
    const approval = await askApproval("price_override");
    if (approval === null) return;
    if (approval) putBasket(setApproval(till().basket, approval));
  }
  closePanel();
  const { basket } = till();
  putBasket(kind === "price" ? setPrice(basket, line.key, value, reason) : setDiscount(basket, line.key, { kind, value, reason }));
}

export function ApprovalDialog({ approval }) {
  const [operator, setOperator] = useState("");
  const [pin, setPin] = useState("");
  const ask = useAsk();
  const go = submit(() => ask.run(() => approve(approval.purpose, operator.trim().toLowerCase(), pin)).then(() => setPin("")));
  const cancel = () => {
    answerApproval(null);
    notify("info", say("approval_none"));
  };
  return html`<${Dialog} title=${say("approval_title")} onClose=${cancel} isApproval>
    <p class="lead">${say(`approval_${approval.purpose}`)}</p>
    <form onSubmit=${go}>
      <label>${say("manager")}
        <input id="approver" data-first autocomplete="off" autocapitalize="none" spellcheck=${false} maxlength="30" value=${operator}
          onInput=${(event) => setOperator(event.target.value)} /></label>
      <label>${say("pin")}
        <input id="approver-pin" class="large" type="password" inputmode="numeric" autocomplete="off" maxlength="12" value=${pin}
          onInput=${(event) => setPin(event.target.value.replace(/\D/g, ""))} /></label>
      <${PinPad} pin=${pin} onPin=${setPin} />
      <${Problem} problem=${ask.problem} />
      <button class="main" disabled=${!operator || pin.length < 4 || ask.busy}>${say("approve_do")} <kbd>Enter</kbd></button>
    </form>
  <//>`;
}
