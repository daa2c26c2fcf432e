// A command that books is sent until there is a verdict: always the same bytes with the same id, so it is booked once
// however often an answer gets lost.
//
//   an answer    it is booked
//   Refused      it is not
//   given up     nobody waits for it any more: she has gone, or nothing came for minutes. The outcome is not known here.
//                Points without a coupon are let go or come back by themselves; a coupon is among the member's own.

import { call, Refused } from "../till/api.js";
import { change, kiosk } from "./state.js";

const PAUSES_MS = [300, 700, 1500, 3000];
const GIVE_UP_MS = 180_000; // as long as points are set aside at a kiosk

export class GivenUp extends Error {}

export async function book(path, body, { headers = {}, method = "POST", isForNobody = false } = {}) {
  const { visit } = kiosk();
  const isHere = () => isForNobody || kiosk().visit === visit;
  const until = Date.now() + GIVE_UP_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call(method, path, body, { headers });
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (isHere() && !isForNobody) change({ attempt: attempt + 1 });
      await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]));
      if (!isHere() || Date.now() > until) throw new GivenUp();
    }
  }
}
