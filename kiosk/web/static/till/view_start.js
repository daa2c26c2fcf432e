// Before selling: pairing the device, signing in, opening the shift.

import { html, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { Problem, submit, useAsk } from "./dialog.js";
import { amount, money, moneyTerms, parseAmount } from "./money.js";
import { knownOperators, pair, signIn } from "./session.js";
import { openShift } from "./shifts.js";
import { say } from "./texts.js";
import { Report } from "./view_shift.js";

// The focus comes with the drawing, not after it: the next key must find its field.
function Frame({ title, lead, children }) {
  useLayoutEffect(() => document.querySelector(".card [data-first]")?.focus(), []);
  return html`<main class="start">
    <section class="card">
      <p class="brand" aria-hidden="true"><span></span>Counterfoil</p>
      <h1>${title}</h1>
      ${lead && html`<p class="lead">${lead}</p>`} ${children}
    </section>
  </main>`;
}

export const Waiting = () => html`<${Frame} title=${say("starting")} />`;

export function Pairing() {
  const [code, setCode] = useState("");
  const [name, setName] = useState(say("till_name"));
  const ask = useAsk();
  const go = submit(() => ask.run(() => pair(code, name.trim() || say("till_name"))));
  return html`<${Frame} title=${say("pairing_title")} lead=${say("pairing_lead")}>
    <form onSubmit=${go}>
      <label>${say("pairing_code")}
        <input id="code" class="large code" data-first autocomplete="off" autocapitalize="characters" spellcheck=${false}
          maxlength="32" value=${code} onInput=${(event) => setCode(event.target.value.toUpperCase())} />
      </label>
      <label>${say("device_name")}
        <input maxlength="120" value=${name} onInput=${(event) => setName(event.target.value)} />
      </label>
      <${Problem} problem=${ask.problem} />
      <button class="main" disabled=${!code || ask.busy}>${say("pairing_do")} <kbd>Enter</kbd></button>
    </form>
  <//>`;
}

export function SignIn({ till }) {
  const known = knownOperators();
  const [operator, setOperator] = useState(known[0]?.id ?? "");
  const [pin, setPin] = useState("");
  const ask = useAsk();
  useLayoutEffect(() => document.getElementById(operator ? "pin" : "operator")?.focus(), []);
  const go = submit(() =>
    ask.run(() => signIn(operator.trim().toLowerCase(), pin)).then(() => setPin("")),
  );
  const choose = (id) => {
    setOperator(id);
    document.getElementById("pin").focus();
  };
  return html`<${Frame} title=${say("sign_in_title")} lead=${till.shop && `${till.shop.name} · ${till.shop.till}`}>
    ${known.length > 0 && html`<div class="people">
      ${known.map(({ id, name }) => html`<button key=${id} type="button" aria-pressed=${id === operator}
        class=${id === operator ? "chip on" : "chip"} onClick=${() => choose(id)}>${name}</button>`)}
    </div>`}
    <form onSubmit=${go}>
      <label>${say("operator")}
        <input id="operator" autocomplete="off" autocapitalize="none" spellcheck=${false} maxlength="30"
          value=${operator} onInput=${(event) => setOperator(event.target.value)} />
      </label>
      <label>${say("pin")}
        <input id="pin" class="large" type="password" inputmode="numeric" autocomplete="off" maxlength="12"
          value=${pin} onInput=${(event) => setPin(event.target.value.replace(/\D/g, ""))} />
      </label>
      <${PinPad} pin=${pin} onPin=${setPin} />
      <${Problem} problem=${ask.problem} />
      <button class="main" disabled=${!operator || pin.length < 4 || ask.busy}>${say("sign_in_do")} <kbd>Enter</kbd></button>
    </form>
  <//>`;
}

export function PinPad({ pin, onPin }) {
  const press = (digit) => onPin((pin + digit).slice(0, 12));
  const key = (digit) => html`<button key=${digit} type="button" tabindex="-1" onClick=${() => press(digit)}>${digit}</button>`;
  return html`<div class="pad" role="group" aria-label=${say("pin_pad")}>
    ${"123456789".split("").map(key)}
    <button type="button" tabindex="-1" aria-label=${say("clear")} onClick=${() => onPin("")}>C</button>
    ${key("0")}
    <button type="button" tabindex="-1" aria-label=${say("erase")} onClick=${() => onPin(pin.slice(0, -1))}>⌫</button>
  </div>`;
}

export function Float({ till }) {
  const [text, setText] = useState("");
  const minor = text.trim() === "" ? 0 : parseAmount(text);
  const go = submit(() => minor !== null && !till.pending && openShift(minor));
  return html`<${Frame} title=${say("float_title")} lead=${say("float_lead", { day: till.shop.business_day })}>
    ${till.report && html`<details class="last-report" open><summary>${say("report_z", { number: till.report.z_number })}</summary>
      <${Report} report=${till.report} /></details>`}
    <form onSubmit=${go}>
      <label>${say("float_amount", { currency: moneyTerms().currency })}
        <input id="float" class="large" data-first inputmode="decimal" autocomplete="off" placeholder=${amount(0)}
          value=${text} onInput=${(event) => setText(event.target.value)} />
      </label>
      ${minor === null && html`<p class="problem" role="alert">${say("not_an_amount")}</p>`}
      <button class="main" disabled=${minor === null || till.pending}>${say("float_do")} <b>${money(minor ?? 0)}</b> <kbd>Enter</kbd></button>
    </form>
  <//>`;
}
