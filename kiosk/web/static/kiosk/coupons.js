// Coupons: those she has, those she may take, those that points pay for.
//
//   free      POST /v1/coupons
//   reward    POST /v1/holds, then POST /v1/coupons with the hold: the points are used up by the entry that issues it
//
// What may happen in between:
//   the printer has no paper          nothing is booked, the screen is offered instead
//   the answer to the hold is lost    it is asked for again with the same id
//   the service dies after the hold   the coupon is asked for again with the same id, once
//   the coupon is refused             the points are let go at once
//   she walks away                    nothing more is asked for; points without a coupon are let go

import { call } from "../till/api.js";
import { newId } from "../till/ids.js";
import { book } from "./booking.js";
import { ask, Left, onShow, proved } from "./journey.js";
import { askShop } from "./session.js";
import { change, changeVisitor, kiosk } from "./state.js";
import { say } from "./texts.js";

const HELD_MAX = 200;

onShow("coupons", async () => {
  const { visit, visitor, shop } = kiosk();
  const member = visitor.member.id;
  const look = (path) => call("GET", path, undefined, { headers: proved() });
  const [held, offers, rewards] = await Promise.all([
    look(`/v1/members/${member}/coupons?limit=${HELD_MAX}`), look(`/v1/members/${member}/offers`), look(`/v1/rewards?member=${member}`),
  ]);
  if (kiosk().visit !== visit) throw new Left();
  changeVisitor({ coupons: sort(held.items, offers.items, rewards.items, shop.withheld_offers), choice: null });
  change({ phase: "coupons" });
});

function sort(held, offers, rewards, withheld) {
  const mine = held.filter((coupon) => coupon.state === "live");
  const offered = new Map(offers.filter((offer) => offer.coupon && !withheld.includes(offer.offer)).map((offer) => [offer.offer, offer]));
  const sold = rewards.filter(({ definition }) => definition.gives.kind === "coupon" && offered.has(definition.gives.offer));
  const taken = new Set([...mine, ...sold.map(({ definition }) => definition.gives)].map(({ offer }) => offer));
  return {
    held: mine,
    offers: [...offered.values()].filter(({ offer }) => !taken.has(offer)),
    rewards: sold.map(({ definition, quote }) => {
      const { id: reward, points, title: names } = definition;
      return { ...offered.get(definition.gives.offer), reward, points, names, quote };
    }),
    automatic: offers.filter((offer) => !offer.coupon),
  };
}

export const look = (choice) =>
  ask(async (still) => {
    await askShop(); // is there paper?
    still();
    changeVisitor({ choice });
    change({ phase: "confirm" });
  });

export function showHeld(coupon) {
  changeVisitor({ issued: { ...coupon, isPrinted: false } });
  change({ phase: "coupon", notice: null });
}

export const take = (print) =>
  ask(async (still) => {
    if (print && !(await askShop())?.printer.ready) {
      still();
      change({ notice: { tone: "bad", text: say("problem_paper_not_ready") } });
      return;
    }
    still();
    change({ phase: "working", attempt: 0 });
    const coupon = await issue(kiosk().visitor, print, still);
    changeVisitor({ issued: coupon, choice: null });
    change({ phase: "coupon" });
  }, "confirm");

async function issue({ member, choice, proof }, print, still) {
  const headers = proved();
  const command = { id: newId(), offer: choice.offer, member: member.id, print };
  const hold = choice.reward ? newId() : null;
  if (hold) command.hold = hold;
  try {
    if (hold) await setAside(hold, member, choice, proof);
    still();
    const coupon = await book("/v1/coupons", command, { headers });
    still();
    return { ...coupon, title: choice.title, isPrinted: print };
  } catch (error) {
    if (hold) letGo(hold);
    throw error;
  }
}

const setAside = (hold, member, { points, reward }, proof) =>
  book("/v1/holds", { id: hold, member: member.id, points, reward, proof: { kind: "session", value: proof } });

// Points without a coupon are let go, whoever stands here by then. Used up already, or never set aside: it is refused,
// and all is well. Should nobody hear it, they come back by themselves after three minutes.
const letGo = (hold) => book(`/v1/holds/${hold}/release`, undefined, { isForNobody: true }).catch(() => {});
