// Whether this kiosk may serve: it is paired, the store service answers, and the store can book. If not, it shows a plain
// closed picture and looks again by itself.

import { call, Refused, setListeners, setToken } from "../till/api.js";
import { keepDevice, recallDevice } from "./device.js";
import { change, forget, kiosk } from "./state.js";
import { setLanguage } from "./texts.js";

const LOOK_MS = 10_000;
const AGAIN_MS = 2000;
let timer = 0;

export function start() {
  takeFragment();
  setListeners({ onReach() {}, onUnauthorized: unpair });
  const token = recallDevice();
  if (token === null) return change({ phase: "pairing" });
  setToken(token);
  return look();
}

// A link may carry the token behind the #, which no server sees. It leaves the address line and the history at once.
function takeFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (given.get("device")) keepDevice(given.get("device"));
}

export async function pair(code, name) {
  const paired = await call("POST", "/v1/pairings", { code, device: { name, kind: "kiosk" } });
  keepDevice(paired.token);
  setToken(paired.token);
  change({ phase: "starting" });
  await look();
}

function unpair() {
  clearTimeout(timer);
  keepDevice(null);
  setToken(null);
  forget("pairing");
}

// Ask how things stand, and go on asking. While a booking waits for its answer the screen is left alone: what was booked
// must still be shown.
export async function look() {
  clearTimeout(timer);
  const shop = await askShop();
  if (kiosk().phase === "pairing") return;
  timer = setTimeout(look, kiosk().phase === "closed" ? AGAIN_MS : LOOK_MS);
  if (shop && !shop.read_only) open(shop);
  else close();
}

// The store as it is now, null where nobody answers.
export async function askShop() {
  try {
    const shop = await call("GET", "/v1/kiosk");
    change({ shop });
    return shop;
  } catch (error) {
    if (error instanceof Refused && error.status === 403) unpair(); // a token, but no kiosk's
    return null;
  }
}

function open(shop) {
  const { phase } = kiosk();
  if (phase !== "starting" && phase !== "closed") return;
  useLanguage(shop.locale);
  forget("attract");
}

function close() {
  const { phase, shop } = kiosk();
  if (["working", "coupon", "closed"].includes(phase)) return;
  forget("closed");
  if (shop) useLanguage(shop.locale);
}

export function useLanguage(language) {
  setLanguage(language);
  change({ language });
}
