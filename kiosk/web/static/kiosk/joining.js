// A new member, and what a member consents to.

import { call, Refused } from "../till/api.js";
import { newId } from "../till/ids.js";
import { book } from "./booking.js";
import { ask, Left, onShow, proved } from "./journey.js";
import { change, changeDraft, changeVisitor, emptyDraft, kiosk } from "./state.js";
import { say } from "./texts.js";

export const PIN_LEAST = 4;
export const PIN_MOST = 8;
export const keyOf = ({ channel, purpose }) => `${channel} ${purpose}`;

// What a new member is asked: only what can reach her by what she has given.
export const askedOf = (shop) => shop.consents.filter(({ channel }) => channel !== "email");

export const join = (pin) =>
  ask(async (still) => {
    const { visitor, shop, language } = kiosk();
    const { phone, name, granted } = visitor.draft;
    const consents = askedOf(shop).filter((each) => granted[keyOf(each)]).map(({ channel, purpose }) => ({ channel, purpose, granted: true }));
    const command = { id: newId(), locale: language, phone, consents };
    if (name.trim()) command.name = name.trim();
    change({ phase: "working", attempt: 0 });
    const member = await book("/v1/members", command);
    still();
    if (pin) await setPin(member.id, pin);
    still();
    changeVisitor({ issued: { token: member.token, hasPin: Boolean(pin) }, draft: emptyDraft() });
    change({ phase: "joined" });
  }, "join");

// Asking again after a lost answer meets the PIN that was set by the first: then it wants to see it, and all is well.
async function setPin(member, pin) {
  try {
    await book(`/v1/members/${member}/pin`, { pin }, { method: "PUT" });
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "factor_proof_needed") throw error;
  }
}

// The PIN is typed twice; the second time it must be the same.
export function enterPin() {
  const { draft, entry } = kiosk().visitor;
  change({ notice: null });
  changeVisitor({ entry: "" });
  if (!draft.first) return changeDraft({ first: entry });
  if (draft.first === entry) return join(entry);
  changeDraft({ first: "" });
  return change({ notice: { tone: "bad", text: say("pin_differs") } });
}

onShow("consents", async () => {
  const { visit, visitor, shop } = kiosk();
  const { items } = await call("GET", `/v1/members/${visitor.member.id}/consents`, undefined, { headers: proved() });
  if (kiosk().visit !== visit) throw new Left();
  const known = new Map(items.map((each) => [keyOf(each), each.granted]));
  const asked = [...shop.consents, ...items.filter((each) => !shop.consents.some((other) => keyOf(other) === keyOf(each)))];
  const consents = asked.map(({ channel, purpose }) => {
    const granted = known.get(keyOf({ channel, purpose })) ?? false;
    return { channel, purpose, granted, was: granted };
  });
  changeVisitor({ consents });
  change({ phase: "consents" });
});

export function flip(consent) {
  const consents = kiosk().visitor.consents.map((each) => (each === consent ? { ...each, granted: !each.granted } : each));
  changeVisitor({ consents });
  change({ notice: null });
}

export const saveConsents = () =>
  ask(async (still) => {
    const { member, consents } = kiosk().visitor;
    const changed = consents.filter((each) => each.granted !== each.was).map(({ channel, purpose, granted }) => ({ channel, purpose, granted }));
    const headers = proved();
    change({ phase: "working", attempt: 0 });
    await book(`/v1/members/${member.id}/consents`, { id: newId(), consents: changed }, { headers });
    still();
    changeVisitor({ consents: consents.map((each) => ({ ...each, was: each.granted })) });
    change({ phase: "consents", notice: { tone: "good", text: say("consents_saved") } });
  }, "consents");
