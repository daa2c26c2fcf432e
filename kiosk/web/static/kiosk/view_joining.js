// Becoming a member: phone, consents, PIN, card. And what a member consents to, changed.

import { html, useState } from "../vendor/htm-preact-standalone.js";
import { Code } from "./codes.js";
import { leave } from "./journey.js";
import { askedOf, enterPin, flip, join, keyOf, PIN_LEAST, PIN_MOST, saveConsents } from "./joining.js";
import { Entry, LetterPad, NumberPad } from "./pads.js";
import { change, changeDraft, changeVisitor } from "./state.js";
import { say, sayConsent } from "./texts.js";
import { Screen } from "./view_frame.js";

const PHONE_LEAST = 6;
const PHONE_MOST = 20;
const NAME_MOST = 60;

function submit(work) {
  return (event) => {
    event.preventDefault();
    work();
  };
}

export function Join({ kiosk }) {
  const [field, setField] = useState("phone");
  const { phone, name } = kiosk.visitor.draft;
  const go = submit(() => change({ phase: "join_consents", notice: null }));
  return html`<${Screen} name="join" title=${say("join_title")} lead=${say("join_text")}>
    <form class="ask" onSubmit=${go}>
      <div class="fields">
        <button type="button" class="field" aria-pressed=${field === "phone"} onClick=${() => setField("phone")}><${Entry} label=${say("phone")} value=${phone} /></button>
        ${field === "name"
          ? html`<label class="field on"><span>${say("name")}</span><input data-name autocomplete="off" spellcheck=${false} maxlength=${NAME_MOST} value=${name}
              onInput=${(event) => changeDraft({ name: event.target.value })} /></label>`
          : html`<button type="button" class="field" aria-pressed="false" onClick=${() => setField("name")}><${Entry} label=${say("name")} value=${name} /></button>`}
      </div>
      ${field === "phone"
        ? html`<${NumberPad} value=${phone} most=${PHONE_MOST} withPlus onChange=${(value) => changeDraft({ phone: value })} />`
        : html`<${LetterPad} value=${name} most=${NAME_MOST} onChange=${(value) => changeDraft({ name: value })} />`}
      <button class="main" disabled=${phone.length < PHONE_LEAST}>${say("go_on")}</button>
    </form>
  <//>`;
}

function Tick({ consent, isGranted, onFlip, isFirst }) {
  return html`<button type="button" class="tick" role="checkbox" aria-checked=${isGranted} data-first=${isFirst || null} onClick=${onFlip}>
    <i aria-hidden="true">${isGranted ? "✓" : ""}</i><span>${sayConsent(consent)}</span><b>${say(isGranted ? "yes" : "no")}</b></button>`;
}

export function JoinConsents({ kiosk }) {
  const { granted } = kiosk.visitor.draft;
  const asked = askedOf(kiosk.shop);
  const turn = (key) => changeDraft({ granted: { ...granted, [key]: !granted[key] } });
  const goOn = () => change({ phase: "join_pin", notice: null });
  return html`<${Screen} name="join-consents" title=${say("asks_title")} lead=${say(asked.length ? "asks_text" : "asks_none")}>
    <div class="list">
      ${asked.map((consent, at) => html`<${Tick} key=${keyOf(consent)} consent=${consent} isFirst=${at === 0}
        isGranted=${Boolean(granted[keyOf(consent)])} onFlip=${() => turn(keyOf(consent))} />`)}
    </div>
    <button type="button" class="main" data-first=${asked.length === 0 || null} onClick=${goOn}>${say("go_on")}</button>
  <//>`;
}

export function JoinPin({ kiosk }) {
  const { entry, draft } = kiosk.visitor;
  return html`<${Screen} name="join-pin" title=${say(draft.first ? "repeat_pin" : "choose_pin")} lead=${say("pin_text")}>
    <form class="ask" onSubmit=${submit(enterPin)}>
      <${Entry} label=${say("pin")} value=${entry} secret />
      <${NumberPad} value=${entry} most=${PIN_MOST} onChange=${(value) => changeVisitor({ entry: value })} />
      <div class="ways">
        <button class="main" disabled=${entry.length < PIN_LEAST || kiosk.busy}>${say("go_on")}</button>
        <button type="button" disabled=${kiosk.busy} onClick=${() => join(null)}>${say("pin_later")}</button>
      </div>
    </form>
  <//>`;
}

export function Joined({ kiosk }) {
  const { token, hasPin } = kiosk.visitor.issued;
  return html`<${Screen} name="joined" title=${say("joined_title")} lead=${`${say("joined_text")} ${hasPin ? "" : say("joined_no_pin")}`}>
    <div class="ticket-card shown"><${Code} text=${token} label=${say("joined_title")} />
      <p class="typed"><output>${token.replace(/(\d{4})(?=\d)/g, "$1 ")}</output></p></div>
    <button type="button" class="main" data-first onClick=${leave}>${say("done")}</button>
  <//>`;
}

export function Consents({ kiosk }) {
  const { consents } = kiosk.visitor;
  const isSaved = consents.every((each) => each.granted === each.was);
  return html`<${Screen} name="consents" title=${say("consents_title")} lead=${consents.length ? "" : say("asks_none")}>
    <div class="list">
      ${consents.map((consent, at) => html`<${Tick} key=${keyOf(consent)} consent=${consent} isFirst=${at === 0} isGranted=${consent.granted} onFlip=${() => flip(consent)} />`)}
    </div>
    <button type="button" class="main" disabled=${isSaved || kiosk.busy} onClick=${saveConsents}>${say("consents_save")}</button>
  <//>`;
}
