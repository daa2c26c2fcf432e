// The sheet of keys: the very table the keys work from.

import { html } from "../vendor/htm-preact-standalone.js";
import { Dialog } from "./dialog.js";
import { COMMANDS } from "./keys.js";
import { closePanel } from "./selling.js";
import { say } from "./texts.js";

const TYPING = [["3*", "help_quantity"], ["0.355*", "help_weight"], ["Enter", "help_enter"], ["F6 / F7 / F8 / Alt 1–4", "help_payment"]];

export function HelpDialog() {
  return html`<${Dialog} title=${say("help_title")} onClose=${closePanel} wide>
    <p class="lead">${say("help_scan")}</p>
    <dl class="help">
      ${COMMANDS.map(({ key, also, name }) => html`<dt><kbd>${key}</kbd>${also && html` <kbd>${also}</kbd>`}</dt><dd>${say(name)}</dd>`)}
      ${TYPING.map(([key, name]) => html`<dt><kbd>${key}</kbd></dt><dd>${say(name)}</dd>`)}
    </dl>
  <//>`;
}
