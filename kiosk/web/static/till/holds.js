// Points set aside while money is taken. Whatever ends the payment in another way than by the sale lets them go: left,
// removed, another customer, a reload. The ids are kept on this machine until then; should the till never come back,
// the hold lapses by itself.

import { call, hasToken, Refused } from "./api.js";
import { newId } from "./ids.js";
import { keep, recall } from "./memory.js";
import { reprice } from "./pricing.js";
import { onChange, till } from "./state.js";

let open = recall("holds") ?? [];
let asking = 0;
const leaving = new Map(); // hold -> the call that lets it go

function remember(holds) {
  open = holds;
  keep("holds", holds.length ? holds : null);
}

const forget = (hold) => remember(open.filter((id) => id !== hold));

// `proof` is what the customer showed, or a manager's approval. Each try has an id of its own: one whose answer was lost
// is let go first, so that it does not hold the very points that are asked for now.
export async function holdPoints(member, points, proof) {
  asking += 1;
  try {
    await letGo([]);
    const id = newId();
    remember([...open, id]);
    const held = await call("POST", "/v1/holds", { id, member, points, proof }).catch((error) => {
      if (error instanceof Refused) forget(id);
      throw error;
    });
    reprice();
    return held;
  } finally {
    asking -= 1;
  }
}

// They have paid: nothing is left to let go.
export const spent = (tenders) => tenders.forEach(({ hold }) => hold && forget(hold));

function letGo(needed) {
  const ids = open.filter((id) => !needed.includes(id));
  return Promise.all(ids.map((id) => leaving.get(id) ?? release(id)));
}

function release(id) {
  const asked = call("POST", `/v1/holds/${id}/release`)
    .then(() => (forget(id), reprice())) // the customer's points are shown with the price
    .catch((error) => error instanceof Refused && error.status !== 401 && forget(id)) // it lapsed, paid or never was
    .finally(() => leaving.delete(id));
  leaving.set(id, asked);
  return asked;
}

onChange(({ phase, payment }) => {
  if (!open.length || asking || phase !== "selling" || !hasToken() || till().unreachable) return;
  if (recall("outbox")?.kind === "sale") return; // it may be just these points that pay for it
  letGo((payment?.tenders ?? []).map(({ hold }) => hold));
});
