// A visitor's way from the first touch to the last: who she is, the proof, and what she came for. Every answer is for the
// visitor who asked: one that comes after she has left is dropped.

import { call, Refused } from "../till/api.js";
import { setPad } from "./keys.js";
import { sayProblem } from "./problems.js";
import { useLanguage } from "./session.js";
import { change, changeVisitor, forget, kiosk } from "./state.js";
import { LANGUAGES } from "./texts.js";

const ROTATING_DIGITS = 28;
const BACK = {
  menu: "attract", identify: "menu", people: "identify", proof: "identify", points: "menu", coupons: "menu",
  consents: "menu", confirm: "coupons", join: "menu", join_consents: "join", join_pin: "join_consents",
};
const shows = {}; // job -> what brings its screen; filled by onShow

export class Left extends Error {}

export const onShow = (job, load) => (shows[job] = load);
export const proved = () => ({ "Member-Proof": kiosk().visitor.proof ?? "" });

// Do one thing for the visitor at a time. `still` throws once somebody else stands here; `otherwise` is the screen to
// go back to when it is refused.
export async function ask(work, otherwise) {
  const { busy, visit } = kiosk();
  if (busy) return;
  const still = () => {
    if (kiosk().visit !== visit) throw new Left();
  };
  change({ busy: true, notice: null });
  try {
    await work(still);
  } catch (error) {
    if (kiosk().visit === visit && !(error instanceof Left)) {
      if (otherwise) change({ phase: otherwise });
      tell(error);
    }
  } finally {
    if (kiosk().visit === visit) change({ busy: false });
  }
}

// A proof that is over leads back to the proof; whatever else was refused is said in plain words.
function tell(error) {
  change({ notice: { tone: "bad", text: sayProblem(error) } });
  changeVisitor({ entry: "" });
  if (!(error instanceof Refused) || error.code !== "proof_ended") return;
  changeVisitor({ proof: null });
  change({ phase: "proof" });
}

export function begin(language) {
  if (language) useLanguage(language);
  change({ phase: "menu", notice: null });
}

export function choose(job) {
  changeVisitor({ job, entry: "" });
  change({ notice: null });
  if (job === "join") return change({ phase: "join" });
  return goOn();
}

// The next thing that is missing: who she is, the proof, or nothing.
function goOn() {
  const { job, member, proof } = kiosk().visitor;
  if (!member) return change({ phase: "identify" });
  if (!job) return change({ phase: "menu" });
  if (!proof) return change({ phase: "proof" });
  return shows[job]();
}

export const findByPhone = () =>
  ask(async (still) => {
    const found = await call("POST", "/v1/members/resolve", { phone: kiosk().visitor.entry });
    still();
    if (found.others.length === 0) return recognise(found.member);
    changeVisitor({ people: [found.member, ...found.others], entry: "" });
    return change({ phase: "people" });
  });

export function recognise(member) {
  changeVisitor({ member, people: [], entry: "" });
  goOn();
}

// Whatever is scanned, on whatever screen: a card says who it is, the changing code of a phone proves it as well.
export function takeScan(text) {
  const { phase, visitor, language, shop } = kiosk();
  if (["starting", "closed", "working"].includes(phase)) return null;
  const digits = text.replace(/^\][A-Za-z][0-9A-Za-z]/, "").replace(/\s/g, "");
  if (phase === "proof") return prove(digits);
  const { job } = visitor;
  const isNew = Boolean(visitor.member) || job === "join";
  if (isNew) leave();
  if (!isNew && job) changeVisitor({ job });
  return ask(async (still) => {
    const { member } = await call("POST", "/v1/members/resolve", { token: digits });
    still();
    if ((isNew || phase === "attract") && language === shop.locale && LANGUAGES.includes(member.locale)) useLanguage(member.locale);
    if (/^\d+$/.test(digits) && digits.length === ROTATING_DIGITS) {
      changeVisitor({ member });
      change({ phase: "proof" });
      await sendProof(digits, still);
    } else {
      recognise(member);
    }
  });
}

export const prove = (proof) => ask((still) => sendProof(proof, still));

async function sendProof(proof, still) {
  const { member } = kiosk().visitor;
  const answer = await call("POST", `/v1/members/${member.id}/proofs`, { proof });
  still();
  changeVisitor({ proof: answer.token, points: answer.points, entry: "" });
  await goOn();
}

onShow("points", async () => {
  const { visit, visitor } = kiosk();
  const points = await call("GET", `/v1/members/${visitor.member.id}/points`, undefined, { headers: proved() });
  if (kiosk().visit !== visit) throw new Left();
  changeVisitor({ points });
  change({ phase: "points" });
});

// The tiles ask for the job themselves; after a proof it is shown by the same question.
export const start = (job) => (kiosk().visitor.proof && job !== "join" ? ask(async () => choose(job)) : choose(job));

export function back() {
  const { phase, asksStaff, busy, visitor } = kiosk();
  if (asksStaff) return needNoHelp();
  if (busy || phase === "working") return null;
  if (phase === "menu" || phase === "joined") return leave();
  if (phase === "coupon") return start("coupons");
  const to = BACK[phase];
  if (!to) return null;
  if (phase === "proof" || phase === "people") changeVisitor({ member: null, people: [] });
  if (phase === "join") changeVisitor({ job: null });
  if (to === "menu") changeVisitor({ job: null });
  changeVisitor({ entry: "", choice: phase === "confirm" ? null : visitor.choice });
  return change({ phase: to, notice: null });
}

// The tills ring. Should the store not answer, the picture sends her there all the same.
export async function callStaff() {
  const { visit } = kiosk();
  change({ asksStaff: "asking" });
  const isCalled = await call("POST", "/v1/help-calls").then(() => true, () => false);
  if (isCalled && kiosk().visit === visit && kiosk().asksStaff) change({ asksStaff: "called" });
}

export function needNoHelp() {
  change({ asksStaff: null });
  call("DELETE", "/v1/help-calls").catch(() => {});
}

// She goes, or has gone: nothing is proved here any more, and nothing of her stays on the screen. What is under way
// ends by itself: booking.js lets points go that nobody waits for.
export function leave() {
  const { visitor, shop } = kiosk();
  if (visitor.proof) call("DELETE", `/v1/members/${visitor.member.id}/proofs`, undefined, { headers: proved() }).catch(() => {});
  setPad(null);
  forget("attract");
  useLanguage(shop.locale);
}
