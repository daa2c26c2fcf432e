// Before anybody is known: pairing, closed, the first picture, and what one may do.

import { html, useLayoutEffect, useState } from "../vendor/htm-preact-standalone.js";
import { begin, start } from "./journey.js";
import { sayProblem } from "./problems.js";
import { pair } from "./session.js";
import { LANGUAGES, NAMES, say, sayIn } from "./texts.js";
import { Screen } from "./view_frame.js";

const JOBS = [["points", "●"], ["coupons", "%"], ["join", "+"], ["consents", "✓"]];

export const Waiting = () => html`<main class="plain"><h1>${say("starting")}</h1></main>`;

export const Closed = () => html`<main class="plain closed">
  <p class="sign" aria-hidden="true">–</p>
  <h1>${say("closed_title")}</h1><p class="lead">${say("closed_text")}</p>
</main>`;

export function Pairing() {
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState("");
  useLayoutEffect(() => document.getElementById("code").focus(), []);
  const go = (event) => {
    event.preventDefault();
    pair(code.trim(), say("kiosk_name")).catch((error) => setProblem(error.problem?.title ?? sayProblem(error)));
  };
  return html`<main class="plain"><form onSubmit=${go}>
    <h1>${say("pairing_title")}</h1><p class="lead">${say("pairing_lead")}</p>
    <label>${say("pairing_code")}
      <input id="code" autocomplete="off" autocapitalize="characters" spellcheck=${false} maxlength="32" value=${code}
        onInput=${(event) => setCode(event.target.value.toUpperCase())} /></label>
    ${problem && html`<p class="notice bad" role="alert"><b aria-hidden="true">!</b>${problem}</p>`}
    <button class="main" disabled=${!code}>${say("pairing_do")}</button>
  </form></main>`;
}

// Touched anywhere it begins; a language begins in that language.
export function Attract({ kiosk }) {
  return html`<main class="attract">
    <button type="button" class="touch" data-first onClick=${() => begin()}>
      <span class="ticket" aria-hidden="true"><i></i></span>
      <span class="shop">${kiosk.shop.store}</span>
      <span class="greet">${say("touch_or_scan")}</span>
      ${LANGUAGES.filter((language) => language !== kiosk.language).map((language) => html`<span key=${language} class="also" lang=${language}>${sayIn(language, "touch_or_scan")}</span>`)}
    </button>
    <div class="choose" role="group" aria-label=${say("language")}>
      ${LANGUAGES.map((language) => html`<button key=${language} type="button" lang=${language} onClick=${() => begin(language)}>${NAMES[language]}</button>`)}
    </div>
  </main>`;
}

export function Menu({ kiosk }) {
  const { member } = kiosk.visitor;
  const jobs = member ? JOBS.filter(([job]) => job !== "join") : JOBS;
  return html`<${Screen} name="menu" title=${member?.name ? say("hello", { name: member.name }) : say("menu_title")} who=${member?.phone}>
    <div class="tiles">
      ${jobs.map(([job, sign], at) => html`<button key=${job} type="button" class="tile" data-first=${at === 0 || null} data-job=${job} onClick=${() => start(job)}>
        <i aria-hidden="true">${sign}</i><b>${say(`job_${job}`)}</b><span>${say(`job_${job}_text`)}</span>
      </button>`)}
    </div>
  <//>`;
}
