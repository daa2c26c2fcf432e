// Everything the screen shows, as one value. `change` replaces parts of it; the screen is drawn again after that.

import { recall } from "./memory.js";

let now = {
  phase: "start", // start, pairing, sign_in, float, selling
  shop: null, // answer of GET /v1/store
  shift: null, // this till's open shift
  basket: null, // see basket.js
  quote: null, // {revision, lines by key, totals, points}; older than the basket while the revision differs
  standing: null, // {id, points, tier, offers} of the basket's member, see standing.js
  paySoon: false, // pay was pressed before the price was there
  payment: null, // {tenders, receipt} while money is taken
  finished: null, // the sale just completed; its change stays on the screen until the next scan
  pending: null, // the command that waits for its answer, see outbox.js
  panel: null, // {name, ...} the open dialog
  approval: null, // {purpose, resolve} while a manager is asked
  search: null, // {query, items, at} while the list of articles is open
  notice: null, // {tone: good|bad|info, text, hint}
  undo: null, // {row, at} for eight seconds after a line or a coupon was removed
  unreachable: null, // since when the store service does not answer
  calls: [], // [{id, kiosk, at}] who waits for help at a kiosk, the longest first
  parked: 0, // how many baskets are set aside
  last: recall("last"), // {id, number, paper} of the last document, for void and reprint
  volume: recall("volume") ?? 2,
};
const listeners = new Set();
let drawing = false;

export const till = () => now;

export function change(patch) {
  now = { ...now, ...patch };
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    for (const listener of listeners) listener(now);
  });
}

export function onChange(listener) {
  listeners.add(listener);
}

let noticeTimer = 0;

// A message that needs no answer. Good news go by themselves, bad news stay until something else happens.
export function notify(tone, text, hint = "") {
  clearTimeout(noticeTimer);
  change({ notice: { tone, text, hint, at: Date.now() } });
  if (tone !== "bad") noticeTimer = setTimeout(() => change({ notice: null }), 4000);
}

export function clearNotice() {
  clearTimeout(noticeTimer);
  if (now.notice) change({ notice: null });
}
