// The sheet of keys: the very table the keys work from. A manager finds here how one more till or kiosk joins.

import { html, useState } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { Dialog, Problem, useAsk } from "./dialog.js";
import { COMMANDS } from "./keys.js";
import { closePanel } from "./selling.js";
import { say } from "./texts.js";

const TYPING = [["3*", "help_quantity"], ["0.355*", "help_weight"], ["Enter", "help_enter"], ["F6 / F7 / F8 / Alt 1–4", "help_payment"]];

export function HelpDialog({ till }) {
  return html`<${Dialog} title=${say("help_title")} onClose=${closePanel} wide>
    <p class="lead">${say("help_scan")}</p>
    <dl class="help">
      ${COMMANDS.map(({ key, also, name }) => html`<dt><kbd>${key}</kbd>${also && html` <kbd>${also}</kbd>`}</dt><dd>${say(name)}</dd>`)}
      ${TYPING.map(([key, name]) => html`<dt><kbd>${key}</kbd></dt><dd>${say(name)}</dd>`)}
    </dl>
    ${till.shop.role === "manager" && html`<${PairAnother} />`}
  <//>`;
}

// The code is typed at the other machine, which opens /till or /kiosk of this address.
function PairAnother() {
  const [made, setMade] = useState(null);
  const ask = useAsk();
  const pair = (kind) => ask.run(async () => setMade({ kind, ...(await call("POST", "/v1/pairing-codes", { kind })) }));
  return html`<section class="pairing">
    <footer>
      <button type="button" disabled=${ask.busy} onClick=${() => pair("till")}>${say("pair_till")} …</button>
      <button type="button" disabled=${ask.busy} onClick=${() => pair("kiosk")}>${say("pair_kiosk")} …</button>
    </footer>
    <${Problem} problem=${ask.problem} />
    ${made && html`<p role="status">${say("pair_told", { address: `${location.origin}/${made.kind}` })} <output class="huge code">${made.code}</output></p>`}
  </section>`;
}
