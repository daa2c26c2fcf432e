// A loyalty card that nobody here knows: taken in as that of a new member without a name, so that what is bought earns at
// once. Head office joins her with whoever has the card. No consent goes with it: nobody was asked, and a "no" that nobody
// said would take back what she once allowed.

import { html, useLayoutEffect } from "../vendor/htm-preact-standalone.js";
import { call } from "./api.js";
import { Dialog, Problem, submit, useAsk } from "./dialog.js";
import { chooseMember, claimScans, closePanel, openCard, openPanel, takeMember } from "./selling.js";
import { soundBad, soundOk } from "./sounds.js";
import { notify } from "./state.js";
import { say } from "./texts.js";

// What an open dialog about the customer does with a scan: a member's card, or one that nobody here has.
export function takesCards(found) {
  if (found.kind === "member") takeMember(found.member);
  else if (found.card) openCard(found);
  else return false;
  return true;
}

export function CardDialog({ till }) {
  const { id, card, reason } = till.panel;
  const ask = useAsk();
  useLayoutEffect(() => claimScans(takesCards), []);
  const name = reason === "member_elsewhere" ? "card_elsewhere" : "card_unknown";
  const again = () => ask.run(() => askAgain(card));
  const takeIn = submit(() => ask.run(() => join(id, card, till.shop.locale)));
  return html`<${Dialog} title=${say(name)} onClose=${closePanel}>
    <p class="lead">${say(`${name}_lead`)}</p>
    <p>${say("card_number", { card })}</p>
    <form onSubmit=${takeIn}>
      <${Problem} problem=${ask.problem} />
      <footer>
        <button type="button" onClick=${again} disabled=${ask.busy}>${say("card_again")}</button>
        ${name === "card_unknown" && html`<button type="button" onClick=${() => openPanel("enrol", { card })}>${say("key_enrol")} …</button>`}
        <button class="main" data-first disabled=${ask.busy}>${say("card_take_in")} <kbd>Enter</kbd></button>
      </footer>
    </form>
  <//>`;
}

// The same id again is the same member: a lost answer enrols nobody twice.
async function join(id, card, locale) {
  try {
    const member = await call("POST", "/v1/members", { id, locale, card });
    soundOk();
    chooseMember({ id: member.id, name: member.name, phone: member.phone });
    notify("good", say("card_taken_in"));
  } catch (error) {
    if (error.code !== "card_taken") throw error; // at another till, a moment ago
    await askAgain(card);
  }
}

async function askAgain(card) {
  const found = await call("POST", "/v1/scans", { text: card });
  if (found.kind === "member") return takeMember(found.member);
  soundBad();
  return notify("bad", say("card_still_unknown"));
}
