// The screens of head office: sign in, then the board of stores, bundles, incidents, dead letters and reports, each
// under an address of its own (#/stores …), so that every view can be linked, printed and gone back to.

import { listen, signIn, signOut, whoIsHere, Refused } from "./api.js";
import { h, show } from "./dom.js";
import { LANGUAGES, chooseLanguage, language, say } from "./texts.js";
import { viewBoard } from "./view_board.js";
import { viewBundles } from "./view_bundles.js";
import { viewIncidents } from "./view_incidents.js";
import { viewLetters } from "./view_letters.js";
import { viewReports } from "./view_reports.js";

const VIEWS = { stores: viewBoard, bundles: viewBundles, incidents: viewIncidents, "dead-letters": viewLetters, reports: viewReports };
const NAMES = { en: "English", ko: "한국어", ja: "日本語", pl: "Polski" };

const root = document.getElementById("office");
let leave = () => {};

listen(start);
addEventListener("hashchange", route);
chooseLanguage(localStorage.getItem("counterfoil-office-language") ?? navigator.language.slice(0, 2));
start();

function start() {
  leave();
  leave = () => {};
  if (!whoIsHere()) return viewSignIn();
  show(root, frame(), h("main", { id: "main", tabindex: "-1" }));
  route();
}

function route() {
  if (!whoIsHere()) return;
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const view = VIEWS[name] ?? viewBoard;
  leave();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === (VIEWS[name] ? name : "stores")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const place = document.getElementById("main");
  show(place, h("p", { class: "quiet", role: "status" }, say("loading")));
  leave = view(place, rest, new URLSearchParams(query ?? "")) ?? (() => {});
}

function frame() {
  const links = Object.keys(VIEWS).map((name) =>
    h("a", { href: `#/${name}`, "data-view": name }, say(`view_${name.replace("-", "_")}`)),
  );
  return h(
    "header",
    {},
    h("a", { class: "skip", href: "#main", onclick: skip }, say("skip")),
    h("strong", { class: "brand" }, say("head_office")),
    h("nav", { "aria-label": say("views") }, links),
    languages(),
    h("span", { class: "user" }, whoIsHere().user),
    h("button", { class: "quiet", onclick: goodbye }, say("sign_out")),
  );
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

async function goodbye() {
  await signOut();
  start();
}

function languages() {
  const choose = (event) => {
    localStorage.setItem("counterfoil-office-language", event.target.value);
    chooseLanguage(event.target.value);
    start();
  };
  const options = LANGUAGES.map((code) => h("option", { value: code, selected: code === language() }, NAMES[code]));
  return h("label", { class: "language" }, h("span", { class: "hidden" }, say("language")), h("select", { onchange: choose }, options));
}

function viewSignIn() {
  const user = h("input", { id: "user", autocomplete: "username", required: true, maxlength: "100" });
  const password = h("input", { id: "password", type: "password", autocomplete: "current-password", required: true, maxlength: "200" });
  const told = h("p", { class: "bad", role: "alert" });
  const button = h("button", { class: "main", type: "submit" }, say("sign_in"));
  const enter = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await signIn(user.value, password.value);
      start();
    } catch (error) {
      show(told, error instanceof Refused ? `${error.message} ${error.hint}` : say("no_answer"));
      button.disabled = false;
      password.select();
    }
  };
  const form = h(
    "form",
    { class: "sign-in", onsubmit: enter },
    h("h1", {}, say("head_office")),
    h("label", { for: "user" }, say("user")),
    user,
    h("label", { for: "password" }, say("password")),
    password,
    button,
    told,
    languages(),
  );
  show(root, h("main", { id: "main" }, form));
  user.focus();
}
