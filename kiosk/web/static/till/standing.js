// What the shop knows of the basket's member: points, tier, live offers. It is read when the member is chosen, kept only
// while the screen is open, and never the base of a decision: prices and points are the service's.

import { call } from "./api.js";
import { change, till } from "./state.js";

// Of an answer of POST /v1/members/resolve.
export const standingOf = ({ member, points, tier, offers }) => ({ id: member.id, points, tier, offers });

export async function loadStanding(id) {
  const read = (what) => call("GET", `/v1/members/${id}/${what}`).catch(() => null);
  const [points, tier, offers] = await Promise.all([read("points"), read("tier"), read("offers")]);
  if (till().basket.member?.id !== id) return;
  change({ standing: { id, points, tier: tier?.tier ?? null, offers: offers?.items ?? [] } });
}

// After a reload, or when a basket is taken up that has a member.
export function refreshStanding() {
  const { member } = till().basket;
  if (member) loadStanding(member.id);
}

// The four numbers as of the newest answer: the quote's, once the basket is priced with this member, else those read.
export function balanceOf({ basket, quote, standing }) {
  const isQuoted = quote && quote.revision === basket.revision && basket.lines.length > 0;
  return isQuoted ? quote.points.balance : standing?.id === basket.member?.id ? standing?.points : null;
}
