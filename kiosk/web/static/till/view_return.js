// F11: goods come back with their receipt. Ctrl+P: the last paper once more, or the sale voided while its shift is open.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact-standalone.js";
import { findSale, planRefunds, quoteReturn, reprint, takeBack, voidSale } from "./corrections.js";
import { Choice, Dialog, Problem, submit, useAsk } from "./dialog.js";
import { money, quantity, wholeNumber } from "./money.js";
import { sayProblem } from "./problems.js";
import { claimScans, closePanel } from "./selling.js";
import { soundBad } from "./sounds.js";
import { notify } from "./state.js";
import { say } from "./texts.js";
import { Paper, tenderName } from "./view_payment.js";

const PIECE = 1000;
const REASONS = ["reason_changed_mind", "reason_damaged", "reason_wrong_item", "reason_spoiled"];

export function ReturnDialog({ till }) {
  const [text, setText] = useState(till.panel.receipt ?? "");
  const [sale, setSale] = useState(null);
  const ask = useAsk();
  const find = (number) => ask.run(async () => setSale(await findSale(number)));
  const scanned = (found) => found.kind === "receipt" && (setText(found.receipt), find(found.receipt), true);
  useLayoutEffect(() => claimScans(scanned), []);
  useEffect(() => {
    if (till.panel.receipt) find(till.panel.receipt);
  }, []);
  return html`<${Dialog} title=${say("key_return")} onClose=${closePanel} wide>
    ${!sale && html`<p class="lead">${say("return_lead")}</p>`}
    <form class="inline" onSubmit=${submit(() => find(text))}>
      <label>${say("receipt_number")}
        <input id="receipt" class="large" data-first autocomplete="off" spellcheck=${false} maxlength="64" value=${text}
          onInput=${(event) => setText(event.target.value)} /></label>
      <button disabled=${!text.trim() || ask.busy} class=${sale ? "" : "main"}>${say("find")} <kbd>Enter</kbd></button>
    </form>
    <${Problem} problem=${ask.problem} />
    ${sale && html`<${ReturnLines} key=${sale.id} sale=${sale} pending=${till.pending} />`}
  <//>`;
}

function ReturnLines({ sale, pending }) {
  const [taken, setTaken] = useState({});
  const [first, setFirst] = useState("");
  const [reason, setReason] = useState(REASONS[0]);
  const lines = Object.entries(taken).filter(([, milli]) => milli > 0).map(([line, quantity_milli]) => ({ line: Number(line), quantity_milli }));
  const { quote, problem } = useReturnQuote(sale.id, lines);
  useLayoutEffect(() => document.querySelector("form.return button.grow")?.focus(), []);
  // From what is chosen at that moment: two quick presses are two steps, whatever is drawn between them.
  const set = (line, change) => setTaken((before) => {
    const milli = change(before[line.line] ?? 0);
    return { ...before, [line.line]: Math.max(0, Math.min(line.quantity_milli, milli)) };
  });
  const plan = quote ? planRefunds(quote, first) : [];
  const canTake = quote && (quote.refund_minor === 0 || plan.length > 0) && !pending;
  const go = submit(() => {
    if (!lines.length) notify("info", say("return_choose"));
    else if (canTake) takeBack(quote, lines, plan, say(reason));
  });
  return html`<form class="return" onSubmit=${go}>
    <p class="lead">${sale.number} · ${sale.business_day}${sale.state === "voided" ? ` · ${say("voided")}` : ""}</p>
    <p class="key-hint"><kbd>↑</kbd> <kbd>↓</kbd> ${say("article")} · <kbd>+</kbd> <kbd>−</kbd> ${say("quantity")} · <kbd>${say("space")}</kbd> ${say("return_all")} · <kbd>Enter</kbd> ${say("return_do")}</p>
    <div class="rows">${sale.lines.map((line) => html`<${ReturnLine} key=${line.line} line=${line} milli=${taken[line.line] ?? 0} onSet=${set} />`)}</div>
    <${Problem} problem=${problem} />
    <${Choice} name="reason" legend=${say("reason")} options=${REASONS.map((key) => [key, say(key)])} value=${reason} onChange=${setReason} />
    ${quote?.refunds_allowed.length > 1 && html`<${Choice} name="first" legend=${say("refund_first")} value=${first || plan[0]?.kind}
      options=${quote.refunds_allowed.map(({ kind }) => [kind, tenderName(kind)])} onChange=${setFirst} />`}
    <div class="refund"><span>${say("refund")}</span><output class="huge">${money(quote?.refund_minor ?? 0)}</output>
      <span>${plan.map((part) => html`<b key=${part.kind}>${tenderName(part.kind)} ${money(part.amount_minor)} </b>`)}
      <${PointsBack} points=${quote?.points} /></span></div>
    <button class="main" disabled=${!canTake}>${say("return_do")} <kbd>Enter</kbd></button>
  </form>`;
}

// The quote of just these lines. An answer to other lines may come later or not at all: it counts for nothing.
function useReturnQuote(sale, lines) {
  const asked = JSON.stringify(lines);
  const [told, setTold] = useState({});
  const latest = useRef();
  latest.current = asked;
  useEffect(() => {
    if (!lines.length) return;
    const tell = (answer) => setTold((before) => (answer.asked === latest.current ? answer : before));
    quoteReturn(sale, lines).then((quote) => tell({ asked, quote }), (error) => (soundBad(), tell({ asked, problem: sayProblem(error) })));
  }, [asked]);
  return told.asked === asked ? told : {};
}

// What the return does to the member's points. What is owed afterwards is said before anybody confirms.
export function PointsBack({ points }) {
  return ["clawed_back", "given_back", "debt"]
    .filter((name) => points?.[name] > 0)
    .map((name) => html`<small key=${name} class=${name === "debt" ? "owed" : ""}>${say(`points_${name}`, { points: wholeNumber(points[name]) })}</small>`);
}

function ReturnLine({ line, milli, onSet }) {
  const step = line.unit === "piece" ? PIECE : line.quantity_milli; // weighed goods come back as they were sold
  const toggle = () => onSet(line, (taken) => (taken ? 0 : line.quantity_milli));
  const more = () => onSet(line, (taken) => taken + step);
  const less = () => onSet(line, (taken) => taken - step);
  const keys = (event) => {
    if (event.key === "+") more();
    else if (event.key === "-") less();
    else if (event.key === "Enter") event.target.form.requestSubmit();
    else if (event.key === "ArrowDown") lineBeside(event.target, "nextElementSibling");
    else if (event.key === "ArrowUp") lineBeside(event.target, "previousElementSibling");
    else return;
    event.preventDefault();
  };
  return html`<div class=${milli ? "row on" : "row"}>
    <button type="button" class="grow" aria-pressed=${milli > 0} onClick=${toggle} onKeyDown=${keys}>
      <b>${line.name}</b><span>${say("sold", { quantity: quantity(line.quantity_milli, line.unit), net: money(line.net_minor) })}</span></button>
    <button type="button" aria-label=${say("less_of", { name: line.name })} onClick=${less}>−</button>
    <output>${quantity(milli, line.unit)}</output>
    <button type="button" aria-label=${say("more_of", { name: line.name })} onClick=${more}>+</button>
  </div>`;
}

const lineBeside = (button, beside) => button.parentElement[beside]?.querySelector("button.grow")?.focus();

export function ReturnedDialog({ till }) {
  const { taken } = till.panel;
  return html`<${Dialog} title=${say("returned_title")} onClose=${closePanel} wide>
    <div class="beside">
      <div><p class="lead">${taken.number}</p><p>${say("give_back")}</p>
        <output class="huge" role="status">${money(taken.refund_minor)}</output>
        <dl>${taken.returned.refunds.filter(({ kind }) => kind !== "points").map((refund) => html`<dt>${tenderName(refund.kind)}</dt><dd>${money(refund.amount_minor)}</dd>`)}</dl>
        <${PointsBack} points=${taken.points} />
        <button type="button" class="main" data-first onClick=${closePanel}>${say("done")} <kbd>Enter</kbd></button></div>
      ${taken.print_job && html`<${Paper} id=${taken.print_job.id} />`}
    </div>
  <//>`;
}

export function LastDialog({ till }) {
  const [sale, setSale] = useState(null);
  const [isVoiding, setVoiding] = useState(false);
  const ask = useAsk();
  const { last } = till;
  useEffect(() => {
    findSale(last.id).then(setSale).catch(() => {}); // the last paper may be a return: it can be printed, not voided
  }, []);
  const canVoid = sale?.state === "completed";
  return html`<${Dialog} title=${say("last_title", { number: last.number })} onClose=${closePanel} wide>
    <div class="beside">
      <div class="stack">
        <button type="button" class="main" data-first disabled=${!last.paper || ask.busy} onClick=${() => ask.run(() => reprint(last.paper))}>${say("reprint")} <kbd>Enter</kbd></button>
        ${!last.paper && html`<p>${say("no_paper")}</p>`}
        ${sale && html`<p class="lead">${say("last_sum", { due: money(sale.totals.due_minor) })}${sale.state === "voided" ? ` · ${say("voided")}` : ""}</p>`}
        ${canVoid && !isVoiding && html`<button type="button" class="danger" onClick=${() => setVoiding(true)}>${say("void_sale")}</button>`}
        ${isVoiding && html`<p class="problem">${say("void_sure", { due: money(sale.totals.due_minor) })}</p>
          <button type="button" class="danger" disabled=${till.pending} ref=${(button) => button?.focus()} onClick=${() => voidSale(sale, "cashier")}>${say("void_do")}</button>`}
        <${Problem} problem=${ask.problem} />
      </div>
      ${last.paper && html`<${Paper} id=${last.paper} />`}
    </div>
  <//>`;
}
