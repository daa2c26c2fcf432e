// F7 and F8: baskets set aside and taken up.

import { html, useEffect, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { Dialog, Problem, submit, useAsk } from "./dialog.js";
import { money } from "./money.js";
import { claimParked, closePanel, park } from "./selling.js";
import { say } from "./texts.js";
import { clock } from "./view_frame.js";

export function ParkDialog({ till }) {
  const [label, setLabel] = useState(till.basket.member?.name ?? "");
  return html`<${Dialog} title=${say("key_park")} onClose=${closePanel}>
    <form onSubmit=${submit(() => park(label.trim()))}>
      <label>${say("park_label")}
        <input id="label" class="large" data-first maxlength="80" autocomplete="off" value=${label} onInput=${(event) => setLabel(event.target.value)} /></label>
      <button class="main">${say("park_do")} <kbd>Enter</kbd></button>
    </form>
  <//>`;
}

export function ParkedDialog({ till }) {
  const [items, setItems] = useState(null);
  const ask = useAsk();
  useEffect(() => {
    ask.run(async () => setItems((await call("GET", "/v1/parked")).items));
  }, []);
  useLayoutEffect(() => document.querySelector("dialog .rows button:not(:disabled)")?.focus(), [items, ask.busy]);
  const isBusy = till.basket.lines.length > 0;
  return html`<${Dialog} title=${say("key_parked")} onClose=${closePanel} wide>
    ${isBusy && html`<p class="problem">${say("parked_busy")}</p>`}
    <${Problem} problem=${ask.problem} />
    ${items?.length === 0 && html`<p class="lead">${say("parked_none")}</p>`}
    <div class="rows">${items?.map((parked) => html`<button key=${parked.id} type="button" disabled=${isBusy || ask.busy}
      onClick=${() => ask.run(() => claimParked(parked))}>
      <b>${parked.label || say("nameless_basket")}</b>
      <span>${clock(parked.at)} · ${parked.till}${parked.operator ? ` · ${parked.operator}` : ""}</span>
      <span>${say("lines_count", { count: parked.basket.lines.length })}</span><b class="n">${money(parked.total_minor)}</b></button>`)}</div>
  <//>`;
}
