// Everything the screen shows, as one value. What belongs to a visitor is in `visitor`, so that forgetting her is one
// assignment: no other place holds anything of a member.

// What a new member has typed so far.
export const emptyDraft = () => ({ phone: "", name: "", granted: {}, first: "" });

const nobody = () => ({
  job: null, // points, coupons, consents or join
  member: null, // {id, name: initial, phone: masked}
  people: [], // several members share a phone: which of them is it?
  proof: null, // the token of a proof, good for three minutes
  points: null,
  coupons: null, // {held, offers, rewards}
  consents: null, // [{channel, purpose, granted}]
  choice: null, // the coupon about to be taken
  issued: null, // the coupon on the screen
  draft: emptyDraft(),
  entry: "", // digits on the pad
});

let now = {
  phase: "starting", // starting, pairing, closed, attract, menu, identify, people, proof, points, coupons, confirm,
  // working, coupon, join, join_consents, join_pin, joined, consents
  shop: null, // answer of GET /v1/kiosk
  asksStaff: null, // "asking" or "called" while the picture is shown that says where help is
  busy: false, // a question is under way
  attempt: 0, // how often the answer to a booking was asked for
  notice: null, // {tone, text}
  idle: null, // seconds left until the visitor is forgotten
  large: false,
  contrast: false,
  language: "en",
  visit: 0, // which visitor this is: answers for an earlier one are dropped
  visitor: nobody(),
};
const listeners = new Set();
let drawing = false;

export const kiosk = () => now;

export function change(patch) {
  now = { ...now, ...patch };
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    for (const listener of listeners) listener(now);
  });
}

export const changeVisitor = (patch) => change({ visitor: { ...now.visitor, ...patch } });
export const changeDraft = (patch) => changeVisitor({ draft: { ...now.visitor.draft, ...patch } });
export const onChange = (listener) => listeners.add(listener);

// Nothing of this visitor is left afterwards. The next one finds the screen as it was made.
export function forget(phase) {
  change({
    phase, asksStaff: null, busy: false, attempt: 0, notice: null, idle: null, large: false, contrast: false,
    visit: now.visit + 1, visitor: nobody(),
  });
}
