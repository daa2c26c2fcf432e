// The board of stores: who was heard of when, what is still to come, and what can be lost meanwhile.

import { call, canDecide, listAll } from "./api.js";
import { h, show } from "./dom.js";
import { age, money, number, offset, time } from "./formats.js";
import { badge, heading, keepShowing, table, tile } from "./parts.js";
import { say, word } from "./texts.js";
import { admission } from "./view_admission.js";

const REFRESH_S = 15;
const DAY_MS = 86_400_000;
const CLOCK_WARN_MS = 60_000;

// What somebody types to add a store stays where it is while the board looks again.
export function viewBoard(place) {
  const board = h("div", { class: "stack" });
  const again = async () => show(board, await showBoard());
  show(place, board, canDecide() ? admission(again) : null);
  show(board, h("p", { class: "quiet", role: "status" }, say("loading")));
  return keepShowing(board, showBoard, REFRESH_S);
}

async function showBoard() {
  const [stores, risk] = await Promise.all([listAll("/v1/stores"), call("GET", "/v1/reports/exposure")]);
  const { figures } = risk;
  const silent = stores.filter((store) => store.silent && store.state !== "new" && store.state !== "revoked");
  const queued = stores.reduce((sum, store) => sum + store.queued, 0);
  const columns = ["store", "state", "last_contact", "queued", "chain", "clock", "bundle", "printers", "version", "exposure"].map((name) => ({
    name: say(`board_${name}`),
    number: ["queued", "clock", "exposure"].includes(name),
  }));
  stores.sort((one, other) => one.code.localeCompare(other.code));
  return [
    heading(say("view_stores")),
    h(
      "div",
      { class: "tiles" },
      tile(say("stores"), number(stores.length)),
      tile(say("silent_stores"), number(silent.length), silent.length ? "warn" : "good"),
      tile(say("queued"), number(queued)),
      tile(say("exposure_max"), money(figures.exposure_max_minor, figures.currency), figures.exposure_max_minor ? "warn" : "good"),
    ),
    stores.length
      ? table(say("view_stores"), columns, stores.map((store) => row(store, figures.currency)))
      : h("p", { class: "quiet" }, say("no_stores")),
    h("p", { class: "quiet small" }, say("board_note")),
  ];
}

function row(store, currency) {
  return [
    [h("strong", {}, store.code), " ", h("span", { class: "quiet" }, store.name)],
    stateOf(store),
    h("span", { title: time(store.last_contact), class: freshness(store) }, age(store.last_contact)),
    number(store.queued),
    chain(store),
    h("span", { class: Math.abs(store.clock_offset_ms) > CLOCK_WARN_MS ? "bad" : null }, offset(store.clock_offset_ms)),
    bundle(store.bundle),
    store.printers.length ? store.printers.map(printer) : h("span", { class: "quiet" }, "–"),
    store.version || "–",
    money(store.open_exposure_minor, currency),
  ];
}

// The bundle of prices and offers that the store sells by; which one it should, where that is another.
function bundle(its) {
  if (!its) return h("span", { class: "quiet" }, "–");
  return [
    h("span", { title: time(its.begun_at) }, its.version === null ? "–" : number(its.version)),
    its.due === its.version ? null : h("small", { class: "warn" }, ` ${say("bundle_due", { version: number(its.due) })}`),
    its.late ? [" ", badge("warn", "late")] : null,
    its.refused ? h("small", { class: "bad" }, ` ${word(its.refused.split(" ")[0])}`) : null,
  ];
}

function stateOf(store) {
  if (store.state === "active") return store.silent ? badge("warn", "silent") : badge("good", "online");
  return [badge(store.state === "new" ? "plain" : "bad", store.state), store.reason ? h("small", {}, ` ${store.reason}`) : null];
}

function freshness(store) {
  if (!store.last_contact || store.state !== "active") return "quiet";
  const ms = Date.now() - new Date(store.last_contact);
  return ms < DAY_MS ? null : ms < 2 * DAY_MS ? "warn" : "bad";
}

// How far the newest life is held and applied; an alarm of the appliers in words.
function chain(store) {
  const life = store.chain.at(-1);
  if (!life) return h("span", { class: "quiet" }, "–");
  const behind = life.seq - life.applied_seq;
  const alarms = store.chain.filter((each) => each.alarm || each.state === "forked");
  return [
    h("span", { class: "mono", title: life.hash }, `${number(life.seq)} · ${life.hash.slice(0, 8)}`),
    behind ? h("small", { class: "warn" }, ` ${say("to_apply", { count: number(behind) })}`) : null,
    alarms.map((each) => h("small", { class: "bad" }, ` ${word(each.state)} ${each.alarm}`)),
  ];
}

const GOOD = new Set(["ok", "ready", "idle", "online", "printing"]);
const printer = ({ name, state }) => h("span", { class: `printer ${GOOD.has(state) ? "" : "bad"}` }, `${name}: ${word(state)} `);
