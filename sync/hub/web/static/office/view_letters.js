// Dead letters: entries that head office holds and could not apply. They are tried again, or a person lets them be.

import { call, canDecide, listAll } from "./api.js";
import { h, show } from "./dom.js";
import { number, time } from "./formats.js";
import { badge, heading, keepShowing, problem, table } from "./parts.js";
import { say } from "./texts.js";
import { tabs } from "./view_incidents.js";

const STATES = ["open", "parked", "replayed", "dismissed"];

export function viewLetters(place, _path, query) {
  const state = STATES.includes(query.get("state")) ? query.get("state") : "open";
  return keepShowing(place, () => showLetters(state, () => (location.hash = `#/dead-letters?state=${state}&t=${Date.now()}`)), 0);
}

async function showLetters(state, again) {
  const [letters, stores] = await Promise.all([listAll(`/v1/dead-letters?state=${state}`), listAll("/v1/stores")]);
  const codes = new Map(stores.map((store) => [store.id, store.code]));
  const columns = ["store", "entry", "kind", "why", "tries", "last_at", "decide"].map((name) => ({
    name: say(`letter_${name}`),
    number: name === "tries",
  }));
  return [
    heading(say("view_dead_letters"), tabs("dead-letters", STATES, state)),
    h("p", { class: "quiet" }, say("letters_note")),
    letters.length
      ? table(say("view_dead_letters"), columns, letters.map((letter) => row(letter, codes, again)))
      : h("p", { class: "quiet" }, say("nothing_here")),
  ];
}

function row(letter, codes, again) {
  return [
    h("strong", {}, codes.get(letter.store) ?? letter.store),
    h("span", { class: "mono" }, `${letter.epoch.slice(0, 8)} · ${number(letter.seq)}`),
    letter.kind,
    [badge("bad", letter.code), h("small", {}, ` ${letter.error}`)],
    number(letter.tries),
    time(letter.last_at),
    ["open", "parked"].includes(letter.state) && canDecide() ? decide(letter, again) : "",
  ];
}

function decide(letter, again) {
  const complaint = h("span", {});
  const send = (what) => async () => {
    if (what === "dismiss" && !confirm(say("dismiss_sure"))) return;
    try {
      await call("POST", `/v1/dead-letters/${letter.id}/${what}`);
      again();
    } catch (error) {
      show(complaint, problem(error));
    }
  };
  return [
    h("button", { onclick: send("replay") }, say("replay")),
    " ",
    h("button", { class: "quiet", onclick: send("dismiss") }, say("dismiss")),
    complaint,
  ];
}
