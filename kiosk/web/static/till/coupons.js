// Coupons on the basket. Whether one is good the service says when it is shown, again with every price, and for good
// when the sale is booked.

import * as baskets from "./basket.js";
import { call } from "./api.js";
import { putBasket } from "./pricing.js";
import { soundBad, soundOk } from "./sounds.js";
import { change, notify, till } from "./state.js";
import { say, sayCode } from "./texts.js";

// `verdict` is the answer of POST /v1/scans or /v1/coupons/verify, `text` what was scanned or typed.
export function takeCoupon(verdict, text) {
  if (!verdict.ok) return refuse(verdict);
  if (till().basket.coupons.some((coupon) => coupon.serial === verdict.serial)) return refuse({ ...verdict, reason: "coupon_shown_twice" });
  change({ search: null, payment: null, scanned: { ok: true, at: Date.now() } });
  soundOk();
  putBasket(baskets.addCoupon(till().basket, { text, serial: verdict.serial, code: verdict.code, offer: verdict.offer, title: verdict.title }));
  notify("good", say("coupon_taken", { title: verdict.title ?? verdict.code }));
}

function refuse({ reason, detail, title }) {
  soundBad();
  const words = sayCode(reason) ?? detail;
  notify("bad", title ? `${title}: ${words}` : words);
  change({ scanned: { ok: false, at: Date.now() } });
}

// A parked basket brings texts only: what they are is asked once more.
export async function nameCoupons(texts) {
  for (const text of texts) {
    const verdict = await call("POST", "/v1/coupons/verify", { code: text, member: till().basket.member?.id }).catch(() => null);
    const named = verdict ?? { serial: text, code: text.slice(-6), offer: null, title: null };
    putBasket(baskets.addCoupon(till().basket, { text, serial: named.serial, code: named.code, offer: named.offer, title: named.title }));
  }
}

// What a coupon does to the basket as it is priced: {off} in minor units, or {why} it gives nothing.
export function effectOf(coupon, quote) {
  if (!quote) return { off: 0, why: "" };
  const discounts = [...quote.lines.values()].flatMap((line) => line?.discounts ?? []);
  const off = discounts.filter(({ offer }) => offer === coupon.offer).reduce((sum, { amount_minor }) => sum + amount_minor, 0);
  const note = [...quote.refused, ...quote.near_misses].find(({ offer }) => offer === coupon.offer);
  return { off, why: off || !note ? "" : (sayCode(note.code) ?? note.text) };
}
