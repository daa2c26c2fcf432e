// F4: who is buying. By card scan, by phone number; F7 and F8: baskets set aside and taken up.

import { html, useEffect, useState } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { Dialog, Problem, submit, useAsk } from "./dialog.js";
import { money } from "./money.js";
import { chooseMember, claimParked, claimScans, closePanel, park, takeMember } from "./selling.js";
import { soundOk } from "./sounds.js";
import { say } from "./texts.js";
import { clock } from "./view_frame.js";

export function MemberDialog({ till }) {
  const [text, setText] = useState("");
  const ask = useAsk();
  const { member } = till.basket;
  useEffect(() => claimScans((found) => found.kind === "member" && (takeMember(found.member), true)), []);
  const find = submit(() => ask.run(async () => takeMember(await call("POST", "/v1/members/resolve", { phone: text.trim() }))));
  if (till.panel.choices) return html`<${Choices} members=${till.panel.choices} />`;
  return html`<${Dialog} title=${say("key_member")} onClose=${closePanel}>
    <p class="lead">${say("member_lead")}</p>
    <form onSubmit=${find}>
      <label>${say("phone")}
        <input id="phone" class="large" data-first type="tel" autocomplete="off" maxlength="64" value=${text}
          onInput=${(event) => setText(event.target.value)} /></label>
      <${Problem} problem=${ask.problem} />
      <footer>
        ${member && html`<button type="button" onClick=${() => chooseMember(null)}>${say("member_remove", { name: member.name ?? "" })}</button>`}
        <button class="main" disabled=${!text.trim() || ask.busy}>${say("find")} <kbd>Enter</kbd></button>
      </footer>
    </form>
  <//>`;
}

// Two people may share a phone number: the customer says who they are.
function Choices({ members }) {
  return html`<${Dialog} title=${say("member_which")} onClose=${closePanel}>
    <div class="rows">${members.map((member, at) => html`<button key=${member.id} type="button" data-first=${at === 0}
      onClick=${() => (soundOk(), chooseMember(member))}><b>${member.name ?? say("nameless")}</b><span>${member.phone ?? ""}</span></button>`)}</div>
  <//>`;
}

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
  const isBusy = till.basket.lines.length > 0;
  return html`<${Dialog} title=${say("key_parked")} onClose=${closePanel} wide>
    ${isBusy && html`<p class="problem">${say("parked_busy")}</p>`}
    <${Problem} problem=${ask.problem} />
    ${items?.length === 0 && html`<p class="lead">${say("parked_none")}</p>`}
    <div class="rows">${items?.map((parked, at) => html`<button key=${parked.id} type="button" data-first=${at === 0} disabled=${isBusy || ask.busy}
      ref=${(button) => at === 0 && button && document.activeElement?.tagName !== "BUTTON" && button.focus()}
      onClick=${() => ask.run(() => claimParked(parked))}>
      <b>${parked.label || say("nameless_basket")}</b>
      <span>${clock(parked.at)} · ${parked.till}${parked.operator ? ` · ${parked.operator}` : ""}</span>
      <span>${say("lines_count", { count: parked.basket.lines.length })}</span><b class="n">${money(parked.total_minor)}</b></button>`)}</div>
  <//>`;
}
