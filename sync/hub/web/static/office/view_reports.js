// Reports: figures, pictures, what one must know to read them, and the table that says all of it again.

import { call, download, listAll } from "./api.js";
import { h, picture, show } from "./dom.js";
import { money, number, share, thousandths, time } from "./formats.js";
import { heading, keepShowing, problem, table, tile } from "./parts.js";
import { hasText, say, word } from "./texts.js";

const ROWS_MAX = 500;
// These columns hold names and never words of ours.
const NAMES = new Set(["store", "name", "till", "operator", "offer", "rule", "source", "currency", "rate"]);

export function viewReports(place, path, query) {
  const name = path[0] ?? "sales";
  const asked = { from: query.get("from") ?? "", to: query.get("to") ?? "", store: query.get("store") ?? "" };
  return keepShowing(place, () => showReport(name, asked), 0);
}

async function showReport(name, asked) {
  const [list, stores] = await Promise.all([call("GET", "/v1/reports"), listAll("/v1/stores")]);
  const parameters = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  const address = `/v1/reports/${encodeURIComponent(name)}?${parameters}`;
  const report = await call("GET", `${address}${parameters.size ? "&" : ""}charts=true`);
  return h(
    "div",
    { class: "report" },
    h(
      "nav",
      { class: "reports", "aria-label": say("view_reports") },
      list.items.map((each) =>
        h("a", { href: `#/reports/${each}?${parameters}`, "aria-current": each === name ? "page" : null }, say(`report_${key(each)}`)),
      ),
    ),
    h("section", {}, head(name, report, asked, stores, address), h("div", { class: "tiles" }, tiles(report)), charts(report), body(name, report), notes(report)),
  );
}

function head(name, report, asked, stores, address) {
  const from = h("input", { type: "date", value: report.from, name: "from" });
  const to = h("input", { type: "date", value: report.to, name: "to" });
  const options = [...stores].sort((one, other) => one.code.localeCompare(other.code)).map((store) =>
    h("option", { value: store.id, selected: store.id === asked.store }, `${store.code} ${store.name}`),
  );
  const store = h("select", { name: "store" }, h("option", { value: "" }, say("all_stores")), options);
  const go = (event) => {
    event.preventDefault();
    const chosen = new URLSearchParams({ from: from.value, to: to.value });
    if (store.value) chosen.set("store", store.value);
    location.hash = `#/reports/${name}?${chosen}`;
  };
  return [
    heading(say(`report_${key(name)}`), files(name, report, address, asked)),
    h(
      "form",
      { class: "filters", onsubmit: go },
      h("label", {}, say("from"), from),
      h("label", {}, say("to"), to),
      h("label", {}, say("store"), store),
      h("button", { class: "main" }, say("show")),
    ),
    freshness(report),
  ];
}

function files(name, report, address, asked) {
  const complaint = h("span", {});
  const take = (path, kind, file) => async () => {
    try {
      await download(path, kind, file);
    } catch (error) {
      show(complaint, problem(error));
    }
  };
  const span = `from=${report.from}&to=${report.to}${asked.store ? `&store=${asked.store}` : ""}`;
  return h(
    "div",
    { class: "files" },
    h("button", { onclick: take(address, "text/csv", `${name}.csv`) }, "CSV"),
    h("button", { onclick: take(address, "application/json", `${name}.json`) }, "JSON"),
    h("button", { onclick: take(`/v1/exports/journal-entries?${span}`, "text/csv", "journal.csv") }, say("books")),
    asked.store
      ? h("button", { onclick: take(`/v1/exports/poslog?store=${asked.store}&day=${report.to}`, "application/xml", "poslog.xml") }, "POSLog")
      : null,
    complaint,
  );
}

// Whose newest figures are in here, and whose are not.
function freshness(report) {
  const missing = report.missing.map((store) => store.store).join(", ");
  return h(
    "p",
    { class: missing ? "warn" : "quiet" },
    say("data_until", { time: time(report.data_until) }),
    missing ? ` ${say("data_missing", { stores: missing })}` : "",
  );
}

const tiles = (report) =>
  Object.entries(report.figures)
    .filter(([name, value]) => name !== "currency" && value !== null)
    .map(([name, value]) => tile(column(name), cell(name, value, report.figures.currency)));

const charts = (report) =>
  h(
    "div",
    { class: "charts" },
    report.charts.map((chart) => h("figure", {}, h("figcaption", {}, say(`chart_${chart.name}`)), picture(chart.svg, word))),
  );

function body(name, report) {
  const items = report.items.slice(0, ROWS_MAX);
  // Every amount names its currency already, and a column without a value says nothing.
  const used = report.columns.filter((each) => each !== "currency" && items.some((item) => item[each] !== null && item[each] !== ""));
  if (!items.length) return h("p", { class: "quiet" }, say("no_figures"));
  const columns = used.map((each) => ({ name: column(each), number: items.some((item) => typeof item[each] === "number") }));
  const rows = items.map((item) => used.map((each) => cell(each, item[each], item.currency ?? report.figures.currency)));
  const more = report.items.length - items.length;
  return [
    table(say(`report_${key(name)}`), columns, rows),
    more ? h("p", { class: "quiet" }, say("more_rows", { count: number(more) })) : null,
  ];
}

const notes = (report) =>
  h("ul", { class: "notes" }, report.notes.map((note) => h("li", {}, hasText(`note_${note.code}`) ? say(`note_${note.code}`) : note.text)));

function cell(name, value, currency) {
  if (value === null || value === undefined || value === "") return "";
  if (name.endsWith("_minor")) return money(value, currency);
  if (name === "visits_per_member_permille") return thousandths(value);
  if (name.endsWith("_permille")) return share(value);
  if (name === "silent" || name === "few") return value ? word("yes") : "";
  if (name === "last_contact") return time(value);
  if (typeof value === "number") return number(value);
  return NAMES.has(name) ? value : value.split(":").map(words).join(": ");
}

const words = (text) => text.split("+").map((part) => word(part)).join(" + ");
const column = (name) => (hasText(`col_${name}`) ? say(`col_${name}`) : word(name));
const key = (name) => name.replaceAll("-", "_");
