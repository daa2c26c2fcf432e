// Who may use this till: pairing gives the device its token, a PIN gives the operator theirs.

import { call, hasToken, Refused, setToken } from "./api.js";
import { fromMemory } from "./basket.js";
import { closeLink, openLink } from "./link.js";
import { keep, keepSession, recall, recallSession } from "./memory.js";
import { setMoneyTerms } from "./money.js";
import { resumeOutbox, waitForSignIn } from "./outbox.js";
import { reprice } from "./pricing.js";
import { refreshStanding } from "./standing.js";
import { say, setLanguage } from "./texts.js";
import { change, notify, till } from "./state.js";

const AGAIN_MS = 1500;
const KNOWN_MAX = 6;
let device = recall("device");
let releaseOutbox = () => {};

export async function start() {
  takeFragment();
  change({ basket: fromMemory(recall("basket")) });
  const token = recallSession("token");
  if (token) return enter(token);
  return device ? askPin() : change({ phase: "pairing" });
}

// A link may carry tokens behind the #, which no server sees. They leave the address line and the history at once.
function takeFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("device") && !given.has("token")) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (given.get("device")) keep("device", (device = given.get("device")));
  if (given.get("token")) keepSession("token", given.get("token"));
}

export async function pair(code, name) {
  const paired = await call("POST", "/v1/pairings", { code, device: { name, kind: "till" } });
  device = paired.token;
  keep("device", device);
  await askPin();
}

// The screen for the PIN speaks the shop's language, which the device may ask for.
async function askPin() {
  setToken(null);
  waitForSignIn(new Promise((resolve) => (releaseOutbox = resolve)));
  try {
    if (device) describe(await call("GET", "/v1/store", undefined, { token: device }));
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return unpair();
    if (!(error instanceof Refused)) setTimeout(() => till().phase === "sign_in" && !till().shop && askPin(), AGAIN_MS);
  }
  return change({ phase: "sign_in", panel: null, approval: null });
}

function unpair() {
  device = null;
  keep("device", null);
  change({ phase: "pairing" });
}

function describe(shop) {
  setLanguage(shop.locale);
  setMoneyTerms(shop);
  change({ shop });
}

export async function signIn(operator, pin) {
  const signed = await call("POST", "/v1/sign-ins", { operator, pin }, { token: device });
  remember(signed.operator);
  keepSession("token", signed.token);
  await enter(signed.token);
}

function remember(operator) {
  const others = knownOperators().filter((known) => known.id !== operator.id);
  keep("operators", [operator, ...others].slice(0, KNOWN_MAX));
}

// Operators who signed in here before, the last one first: the till may not ask for a list of all.
export const knownOperators = () => recall("operators") ?? [];

async function enter(token) {
  setToken(token);
  try {
    describe(await call("GET", "/v1/store"));
    await loadShift();
  } catch (error) {
    if (!(error instanceof Refused)) setTimeout(() => hasToken() && enter(token), AGAIN_MS);
    else if (error.status !== 401) notify("bad", error.message, error.problem.hint);
    return;
  }
  releaseOutbox();
  waitForSignIn(Promise.resolve());
  openLink();
  reprice();
  refreshStanding();
  await resumeOutbox();
}

export async function loadShift() {
  try {
    change({ shift: await call("GET", "/v1/shifts/current"), phase: "selling" });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 409) throw error;
    change({ shift: null, phase: "float", panel: null, payment: null });
  }
}

// The service does not know this token any more: signed out elsewhere, or the shift of fourteen hours is over.
export function signedOut() {
  if (!hasToken()) return null; // several calls were under way; the first answer has done it
  const { phase } = till();
  forgetOperator();
  if (!device) return unpair();
  if (phase === "selling" || phase === "float") notify("info", say("signed_out"));
  return askPin();
}

// The basket stays; whoever signs in next goes on with it.
export async function lock() {
  if (!device || till().pending) return;
  const leaving = call("DELETE", "/v1/sign-ins").catch(() => {}); // if it does not arrive, the next sign-in ends it
  forgetOperator();
  await leaving;
  await askPin();
}

function forgetOperator() {
  closeLink();
  keepSession("token", null);
  setToken(null);
}
