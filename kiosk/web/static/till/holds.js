// Points set aside, while money is taken or for a reward on the basket. Whatever ends that in another way than by the
// sale lets them go: left, removed, another customer, of a payment a reload as well. The ids are kept on this machine
// until then; should the till never come back, the hold lapses by itself.

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
// is let go first, so that it does not hold the very points that are asked for now. `take` is called with the answer
// before anybody could think that nobody needs it.
export async function holdPoints(member, points, proof, { reward, take = () => {} } = {}) {
  asking += 1;
  try {
    await letGo(ofBasket(till()));
    const id = newId();
    remember([...open, id]);
    const held = await call("POST", "/v1/holds", { id, member, points, reward, proof }).catch((error) => {
      if (error instanceof Refused) forget(id);
      throw error;
    });
    take(held);
    reprice();
    return held;
  } finally {
    asking -= 1;
  }
}

// They have paid: nothing is left to let go.
export const spent = (body) => [body, ...body.tenders].forEach(({ hold }) => hold && forget(hold));

const ofBasket = ({ basket }) => basket.coupons.flatMap(({ hold }) => hold ?? []);

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

onChange((state) => {
  const { phase, payment } = state;
  if (!open.length || asking || phase !== "selling" || !hasToken() || till().unreachable) return;
  if (recall("outbox")?.kind === "sale") return; // it may be just these points that pay for it
  letGo([...ofBasket(state), ...(payment?.tenders ?? []).map(({ hold }) => hold)]);
});
