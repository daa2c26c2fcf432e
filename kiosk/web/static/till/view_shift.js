// F10: the running account (X), cash in and out, and the blind count that closes the shift.

import { html, useEffect, useState } from "../vendor/htm-preact-standalone.js";
import { denominations } from "./cash.js";
import { Choice, Dialog, Problem, submit, useAsk } from "./dialog.js";
import { amount, money, moneyTerms, parseAmount, wholeNumber } from "./money.js";
import { closePanel } from "./selling.js";
import { closeShift, moveCash, readShift } from "./shifts.js";
import { notify } from "./state.js";
import { say } from "./texts.js";
import { tenderName } from "./view_payment.js";

export function ShiftDialog({ till }) {
  const [page, setPage] = useState("report");
  const pages = [["report", say("shift_report")], ["cash", say("shift_cash")], ["close", say("shift_close")]];
  return html`<${Dialog} title=${say("key_shift")} onClose=${closePanel} wide>
    <${Choice} name="page" legend=${say("shift_what")} options=${pages} value=${page} onChange=${setPage} />
    ${page === "report" && html`<${Running} />`}
    ${page === "cash" && html`<${Movement} pending=${till.pending} />`}
    ${page === "close" && html`<${Count} till=${till} />`}
  <//>`;
}

function Running() {
  const [report, setReport] = useState(null);
  const ask = useAsk();
  useEffect(() => {
    ask.run(async () => setReport(await readShift()));
  }, []);
  return html`<${Problem} problem=${ask.problem} />${report && html`<${Report} report=${report} />`}`;
}

// X and Z alike. While a cashier still has to count, the server leaves out (null) every sum the drawer follows from.
export function Report({ report }) {
  const sum = (minor) => (minor === null ? "" : ` · ${money(minor)}`);
  const rows = [
    ["report_sales", wholeNumber(report.sales)], ["gross", report.gross_minor], ["discounts", report.discount_minor && -report.discount_minor],
    ["net", report.net_minor], ["report_voids", `${report.voids}${sum(report.voided_minor)}`],
    ["report_returns", `${report.returns}${sum(report.returned_minor)}`], ["float", report.float_minor],
  ].filter(([, value]) => value !== null).map(([key, value]) => [key, typeof value === "number" ? money(value) : value]);
  const isClosed = report.state === "closed";
  return html`<div class="report">
    <dl>${rows.map(([key, value]) => html`<dt>${say(key)}</dt><dd>${value}</dd>`)}</dl>
    <dl>
      ${report.tenders.filter((tender) => tender.taken_minor !== null).map((tender) => html`<dt>${tenderName(tender.kind)}</dt><dd>${money(tender.taken_minor - tender.given_back_minor)}</dd>`)}
      ${report.movements.map((move) => html`<dt>${say(`move_${move.kind}`)}: ${move.reason}</dt><dd>${money(move.kind === "pay_in" ? move.amount_minor : -move.amount_minor)}</dd>`)}
      ${report.counts.map((count) => html`<dt>${say("counted", { kind: tenderName(count.kind) })}</dt><dd>${money(count.counted_minor)}</dd>`)}
      ${isClosed && html`<dt class="big">${say("variance")}</dt><dd class=${report.variance_minor ? "big bad" : "big good"}>${money(report.variance_minor)}</dd>`}
    </dl>
  </div>`;
}

function Movement({ pending }) {
  const [kind, setKind] = useState("pay_in");
  const [text, setText] = useState("");
  const [reason, setReason] = useState("");
  const minor = parseAmount(text);
  const go = submit(() => minor && reason.trim() && !pending && moveCash(kind, minor, reason.trim()));
  const kinds = ["pay_in", "pay_out", "drop"].map((key) => [key, say(`move_${key}`)]);
  return html`<form onSubmit=${go}>
    <${Choice} name="kind" legend=${say("move_what")} options=${kinds} value=${kind} onChange=${setKind} />
    <label>${say("amount_value", { currency: moneyTerms().currency })}
      <input id="move-amount" class="large" inputmode="decimal" autocomplete="off" placeholder=${amount(0)} value=${text} onInput=${(event) => setText(event.target.value)} /></label>
    <label>${say("reason")}<input id="move-reason" maxlength="200" autocomplete="off" value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
    <button class="main" disabled=${!minor || !reason.trim() || pending}>${say("move_do")} <kbd>Enter</kbd></button>
  </form>`;
}

// Counted blind: nothing here says what should be there.
function Count({ till }) {
  const [pieces, setPieces] = useState({});
  const [others, setOthers] = useState({});
  const cash = denominations().reduce((sum, value) => sum + value * Number(pieces[value] || 0), 0);
  const kinds = till.shop.tender_kinds.filter((kind) => kind !== "cash");
  const go = submit(() => {
    const counted = { cash };
    for (const kind of kinds) {
      if (!others[kind]?.trim()) continue;
      counted[kind] = parseAmount(others[kind]);
      if (counted[kind] === null) return notify("bad", say("not_an_amount"));
    }
    return till.pending || closeShift(counted);
  });
  if (till.basket.lines.length) return html`<p class="problem">${say("close_basket_first")}</p>`;
  return html`<form onSubmit=${go}>
    <p class="lead">${say("count_lead")}</p>
    ${till.parked > 0 && html`<p class="problem">${say("parked_waiting", { count: till.parked })}</p>`}
    <div class="denominations">${denominations().map((value) => html`<label key=${value}><span>${money(value)}</span>
      <input inputmode="numeric" autocomplete="off" maxlength="6" placeholder="0" aria-label=${say("pieces_of", { value: money(value) })}
        data-value=${value} value=${pieces[value] ?? ""} onInput=${(event) => setPieces({ ...pieces, [value]: event.target.value.replace(/\D/g, "") })} />
      <b>${pieces[value] ? amount(value * Number(pieces[value])) : ""}</b></label>`)}</div>
    <div class="denominations">${kinds.map((kind) => html`<label key=${kind}><span>${say("counted", { kind: tenderName(kind) })}</span>
      <input inputmode="decimal" autocomplete="off" placeholder=${amount(0)} value=${others[kind] ?? ""}
        onInput=${(event) => setOthers({ ...others, [kind]: event.target.value })} /></label>`)}</div>
    <button class="main" disabled=${till.pending}>${say("close_do")} <b id="counted-cash">${money(cash)}</b> <kbd>Enter</kbd></button>
  </form>`;
}
