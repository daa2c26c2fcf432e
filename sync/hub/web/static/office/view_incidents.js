// Incidents: rules that were broken while nobody could be asked. Somebody looks, and writes what was done.

import { call, canDecide, listAll } from "./api.js";
import { h, show } from "./dom.js";
import { number, time } from "./formats.js";
import { badge, heading, keepShowing, problem, table } from "./parts.js";
import { say, word } from "./texts.js";

export function viewIncidents(place, _path, query) {
  const state = query.get("state") === "resolved" ? "resolved" : "open";
  return keepShowing(place, () => showIncidents(state, () => (location.hash = `#/incidents?state=${state}&t=${Date.now()}`)), 0);
}

async function showIncidents(state, again) {
  const [incidents, stores] = await Promise.all([listAll(`/v1/incidents?state=${state}`), listAll("/v1/stores")]);
  const codes = new Map(stores.map((store) => [store.id, store.code]));
  incidents.sort((one, other) => other.opened_at.localeCompare(one.opened_at));
  const columns = ["kind", "store", "amount", "refs", "opened_at", state === "open" ? "decide" : "resolution"].map((name) => ({
    name: say(`incident_${name}`),
    number: name === "amount",
  }));
  return [
    heading(say("view_incidents"), tabs("incidents", ["open", "resolved"], state)),
    incidents.length
      ? table(say("view_incidents"), columns, incidents.map((incident) => row(incident, codes, again)))
      : h("p", { class: "quiet" }, say("nothing_here")),
  ];
}

export const tabs = (view, states, now) =>
  h(
    "div",
    { class: "tabs" },
    states.map((state) => h("a", { href: `#/${view}?state=${state}`, "aria-current": state === now ? "true" : null }, word(state))),
  );

function row(incident, codes, again) {
  return [
    badge(incident.state === "open" ? "bad" : "plain", incident.kind),
    codes.get(incident.store) ?? "–",
    incident.amount ? number(incident.amount) : "",
    incident.refs.map((ref) => h("div", { class: "mono small" }, told(ref))),
    time(incident.opened_at),
    incident.state === "open" ? decide(incident, again) : [incident.resolution, h("small", { class: "quiet" }, ` ${incident.resolved_by}, ${time(incident.resolved_at)}`)],
  ];
}

// A reference in one line: what it names, without the braces of JSON.
function told(ref) {
  if (ref === null || typeof ref !== "object") return String(ref);
  return Object.entries(ref)
    .map(([name, value]) => `${word(name)} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" · ");
}

function decide(incident, again) {
  if (!canDecide()) return "";
  const words = h("input", { "aria-label": say("incident_resolution"), placeholder: say("what_was_done"), maxlength: "1000", required: true });
  const complaint = h("span", {});
  const send = async (event) => {
    event.preventDefault();
    try {
      await call("POST", `/v1/incidents/${incident.id}/resolve`, { resolution: words.value });
      again();
    } catch (error) {
      show(complaint, problem(error));
    }
  };
  return h("form", { class: "inline", onsubmit: send }, words, h("button", {}, say("resolve")), complaint);
}
