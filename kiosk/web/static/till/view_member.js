// F4: who is buying, by card or by phone number, and how the member stands. F3: somebody joins.

import { html, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { Choice, Dialog, Problem, submit, useAsk } from "./dialog.js";
import { newId } from "./ids.js";
import { moneyTerms, wholeNumber } from "./money.js";
import { chooseMember, claimScans, closePanel, openPanel, takeMember } from "./selling.js";
import { takesCards } from "./view_card.js";
import { Rewards } from "./view_reward.js";
import { soundOk } from "./sounds.js";
import { balanceOf } from "./standing.js";
import { notify } from "./state.js";
import { hasText, say } from "./texts.js";

// A phone number has at most fifteen digits (E.164), a card has more.
const CARD = /^\d{16,}$/;
const bare = (text) => text.replace(/[\s-]/g, "");
const LANGUAGES = [["en", "English"], ["ko", "한국어"], ["ja", "日本語"], ["pl", "Polski"]];

export function MemberDialog({ till }) {
  const [text, setText] = useState("");
  const ask = useAsk();
  const { member } = till.basket;
  useLayoutEffect(() => claimScans(takesCards), []);
  const find = submit(() => ask.run(() => findMember(text.trim())));
  if (till.panel.choices) return html`<${Choices} members=${till.panel.choices} />`;
  return html`<${Dialog} title=${say("member_title")} onClose=${closePanel}>
    ${member ? html`<${Standing} till=${till} />` : html`<p class="lead">${say("member_lead")}</p>`}
    <form onSubmit=${find}>
      <label>${say("phone_or_card")}
        <input id="phone" class="large" data-first type="tel" autocomplete="off" maxlength="64" value=${text}
          onInput=${(event) => setText(event.target.value)} /></label>
      <${Problem} problem=${ask.problem} />
      <footer>
        ${member && html`<button type="button" onClick=${() => chooseMember(null)}>${say("member_remove", { name: member.name ?? "" })}</button>`}
        <button type="button" onClick=${() => openPanel("enrol", { phone: CARD.test(bare(text)) ? "" : text.trim() })}>${say("key_enrol")} …</button>
        <button class="main" disabled=${!text.trim() || ask.busy}>${say("find")} <kbd>Enter</kbd></button>
      </footer>
    </form>
  <//>`;
}

// What was typed. A card that nobody here has goes the way of a scanned one.
async function findMember(typed) {
  const card = bare(typed);
  if (!CARD.test(card)) return takeMember(await call("POST", "/v1/members/resolve", { phone: typed }));
  const found = await call("POST", "/v1/scans", { text: card });
  if (takesCards(found)) return undefined;
  return takeMember(await call("POST", "/v1/members/resolve", { token: card })); // says what is wrong with the number
}

// All that the member may ask at the till.
function Standing({ till }) {
  const { standing } = till;
  const balance = balanceOf(till);
  const [soonest] = standing?.points?.expiring ?? [];
  return html`<section class="standing">
    <h3>${till.basket.member.name ?? say("nameless")}${standing?.tier ? ` · ${standing.tier}` : ""}</h3>
    ${balance && html`<dl>${["active", "pending", "held", "debt"].map((name) => html`<div key=${name}><dt>${say(`balance_${name}`)}</dt><dd>${wholeNumber(balance[name])}</dd></div>`)}</dl>`}
    ${soonest && html`<p>${say("points_end", { points: wholeNumber(soonest.points), day: dayOf(soonest.at) })}</p>`}
    ${standing?.points?.provisional && html`<p>${say("points_provisional")} · ${say("points_as_of", { when: momentOf(standing.points.as_of) })}</p>`}
    <ul>${(standing?.offers ?? []).map((offer) => html`<li key=${offer.offer}><b>${offer.title}</b>${offer.coupon ? ` · ${say("by_coupon")}` : ""}<small>${offer.terms}</small></li>`)}</ul>
    <${Rewards} member=${till.basket.member.id} />
  </section>`;
}

export function dayOf(at) {
  const { locale, timeZone } = moneyTerms();
  return new Date(at).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric", timeZone });
}

function momentOf(at) {
  const { locale, timeZone } = moneyTerms();
  return new Date(at).toLocaleString(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone });
}

// Two people may share a phone number: the customer says who they are.
function Choices({ members }) {
  return html`<${Dialog} title=${say("member_which")} onClose=${closePanel}>
    <div class="rows">${members.map((member, at) => html`<button key=${member.id} type="button" data-first=${at === 0}
      onClick=${() => (soundOk(), chooseMember(member))}><b>${member.name ?? say("nameless")}</b><span>${member.phone ?? ""}</span></button>`)}</div>
  <//>`;
}

// A consent is given box by box, and none is ticked before the customer says so.
export function EnrolDialog({ till }) {
  const asked = till.shop.consents;
  const [id] = useState(newId);
  const [fields, setFields] = useState({ name: "", phone: till.panel.phone ?? "", email: "" });
  const [locale, setLocale] = useState(till.shop.locale);
  const [granted, setGranted] = useState([]);
  const ask = useAsk();
  const isGranted = (at) => granted.includes(at);
  const toggle = (at) => setGranted(isGranted(at) ? granted.filter((one) => one !== at) : [...granted, at]);
  const given = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, value.trim()]).filter(([, value]) => value));
  const consents = asked.map(({ channel, purpose }, at) => ({ channel, purpose, granted: isGranted(at) }));
  const { card } = till.panel; // one that the customer has already
  const join = submit(() => ask.run(async () => welcome(await call("POST", "/v1/members", { id, locale, card, consents, ...given }))));
  const field = (name, label, more) => html`<label>${say(label)}
    <input id=${`enrol-${name}`} autocomplete="off" value=${fields[name]} ...${more} onInput=${(event) => setFields({ ...fields, [name]: event.target.value })} /></label>`;
  return html`<${Dialog} title=${say("enrol_title")} onClose=${closePanel} wide>
    <form onSubmit=${join}>
      ${card && html`<p class="lead">${say("card_number", { card })}</p>`}
      <div class="fields">
        ${field("name", "enrol_name", { "data-first": true, maxlength: 120, class: "large" })}
        ${field("phone", "phone", { type: "tel", maxlength: 64, class: "large" })}
        ${field("email", "enrol_email", { type: "text", inputmode: "email", maxlength: 254, spellcheck: false })}
      </div>
      <${Choice} name="language" legend=${say("enrol_language")} options=${LANGUAGES} value=${locale} onChange=${setLocale} />
      ${asked.length > 0 && html`<fieldset class="consents"><legend>${say("enrol_consents")}</legend>
        ${asked.map((consent, at) => html`<button key=${at} type="button" role="checkbox" class=${isGranted(at) ? "chip on" : "chip"} aria-checked=${isGranted(at)}
          onClick=${() => toggle(at)}><i aria-hidden="true"></i>${consentName(consent)}</button>`)}</fieldset>`}
      <${Problem} problem=${ask.problem} />
      <button class="main" disabled=${!given.name && !given.phone && !given.email ? true : ask.busy}>${say("enrol_do")} <kbd>Enter</kbd></button>
    </form>
  <//>`;
}

function consentName({ channel, purpose }) {
  const key = `consent_${purpose}_${channel}`;
  return hasText(key) ? say(key) : `${purpose} · ${channel}`;
}

function welcome(member) {
  soundOk();
  chooseMember({ id: member.id, name: member.name, phone: member.phone && `•••${member.phone.slice(-3)}` });
  if (member.duplicates.length) notify("bad", say("enrol_twice", { count: member.duplicates.length }));
  else notify("good", say("enrol_done", { name: member.name ?? say("nameless") }));
}
