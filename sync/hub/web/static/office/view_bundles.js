// Bundles: prices, offers and rules that begin at one instant in every store; which stores have them, and which cannot.

import { call, canDecide } from "./api.js";
import { h, show } from "./dom.js";
import { number, time } from "./formats.js";
import { badge, heading, keepShowing, problem, table } from "./parts.js";
import { say } from "./texts.js";

const REFRESH_S = 15;
const SHOWN = 50;
const KINDS = { active: "good", planned: "plain", withdrawn: "warn" };

export const viewBundles = (place) => keepShowing(place, () => showBundles(place), REFRESH_S);

async function showBundles(place) {
  const { items } = await call("GET", `/v1/bundles?limit=${SHOWN}`);
  const again = async () => show(place, await showBundles(place));
  const names = ["version", "title", "scope", "active_from", "state", "changes", "stores", "decide"];
  const columns = names.map((name) => ({ name: say(`bundle_${name}`), number: ["version", "changes"].includes(name) }));
  return [
    heading(say("view_bundles")),
    h("p", { class: "quiet" }, say("bundles_note")),
    items.length
      ? table(say("view_bundles"), columns, items.map((bundle) => row(bundle, again)))
      : h("p", { class: "quiet" }, say("nothing_here")),
  ];
}

function row(bundle, again) {
  return [
    number(bundle.version),
    [h("strong", {}, bundle.title), bundle.ends ? ` · ${say("bundle_ends")}` : null, bundle.campaign ? h("small", { class: "quiet" }, ` ${bundle.campaign}`) : null],
    scopeOf(bundle),
    time(bundle.active_from),
    badge(KINDS[bundle.state], bundle.state),
    number(bundle.changes),
    [
      `${number(bundle.active)} / ${number(bundle.stores)}`,
      bundle.late ? h("small", { class: "warn" }, ` ${say("stores_late", { count: number(bundle.late) })}`) : null,
      bundle.refused ? h("small", { class: "bad" }, ` ${say("stores_refused", { count: number(bundle.refused) })}`) : null,
    ],
    bundle.state === "planned" && canDecide() ? decide(bundle, again) : "",
  ];
}

function scopeOf(bundle) {
  if (bundle.zone !== null) return say("zone_named", { zone: bundle.zone });
  return bundle.store === null ? say("all_stores") : say("one_store");
}

function decide(bundle, again) {
  const complaint = h("span", {});
  const withdraw = async () => {
    if (!confirm(say("withdraw_sure"))) return;
    try {
      await call("POST", `/v1/bundles/${bundle.version}/withdraw`);
      await again();
    } catch (error) {
      show(complaint, problem(error));
    }
  };
  return [h("button", { class: "quiet", onclick: withdraw }, say("withdraw")), complaint];
}
