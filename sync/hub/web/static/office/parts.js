// Pieces that several views share: a heading, a table, a badge, what went wrong, and work that is done again and again.

import { Refused } from "./api.js";
import { h, show } from "./dom.js";
import { say, word } from "./texts.js";

export const heading = (text, ...beside) => h("div", { class: "heading" }, h("h1", {}, text), beside);

// A state in words; the colour only repeats it.
export const badge = (kind, state) => h("span", { class: `badge ${kind}` }, word(state));

export const tile = (name, value, kind = "") => h("div", { class: `tile ${kind}` }, h("span", {}, name), h("strong", {}, value));

// `columns`: {name, number}; `rows`: lists of cells (text or elements).
export function table(caption, columns, rows) {
  const cell = (content, place) => h("td", { class: columns[place].number ? "number" : null }, content);
  const head = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.name));
  const body = rows.map((row) => h("tr", { class: row.kind ?? null }, (row.cells ?? row).map(cell)));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)),
  );
}

export function problem(error) {
  const text = error instanceof Refused ? `${error.message} ${error.hint}`.trim() : say("no_answer");
  return h("p", { class: "bad", role: "alert" }, text);
}

// Show what `make` answers, again every `seconds` while somebody looks; answers how to stop.
export function keepShowing(place, make, seconds) {
  let stopped = false;
  let timer = 0;
  const again = async () => {
    if (stopped) return;
    if (!document.hidden) {
      try {
        const made = await make();
        if (!stopped) show(place, made);
      } catch (error) {
        if (!stopped) show(place, problem(error));
      }
    }
    if (!stopped && seconds) timer = setTimeout(again, seconds * 1000);
  };
  again();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
