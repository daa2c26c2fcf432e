// Digits and letters to touch. A keypad or keyboard in front of the screen types into the same pad.

import { html, useLayoutEffect } from "../vendor/htm-preact-standalone.js";
import { setPad } from "./keys.js";
import { kiosk } from "./state.js";
import { say } from "./texts.js";

const DIGITS = [..."123456789"];
const ROWS = ["QWERTYUIOP", "ASDFGHJKL'", "ZXCVBNM-"];
const POLISH = "ĄĆĘŁŃÓŚŹŻ";

export function NumberPad({ value, most, withPlus, onChange }) {
  const press = (key) => {
    if (key === "Backspace") onChange(value.slice(0, -1));
    else if (value.length < most && (key !== "+" || (withPlus && value === ""))) onChange(value + key);
  };
  // With the drawing, not after it: the next digit must be added to what stands there.
  useLayoutEffect(() => {
    setPad({ value, press, onChange });
    return () => setPad(null);
  }, [value]);
  const button = (key) => html`<button key=${key} type="button" onClick=${() => press(key)}>${key}</button>`;
  return html`<div class="pad" role="group" aria-label=${say("number_pad")}>
    ${DIGITS.map(button)}
    ${withPlus ? button("+") : html`<span></span>`}
    ${button("0")}
    <button type="button" aria-label=${say("erase")} onClick=${() => press("Backspace")}>⌫</button>
  </div>`;
}

// For the name of a new member: capital first, then small letters, as names are written.
export function LetterPad({ value, most, onChange }) {
  const rows = kiosk().language === "pl" ? [...ROWS, POLISH] : ROWS;
  const isFirst = value === "" || /[\s'-]$/.test(value);
  const add = (letter) => value.length < most && onChange(value + (isFirst ? letter : letter.toLocaleLowerCase("pl")));
  return html`<div class="letters" role="group" aria-label=${say("letters")}>
    ${rows.map((row) => html`<div key=${row}>
      ${[...row].map((letter) => html`<button key=${letter} type="button" onClick=${() => add(letter)}>${isFirst ? letter : letter.toLocaleLowerCase("pl")}</button>`)}
    </div>`)}
    <div>
      <button type="button" class="space" onClick=${() => value && add(" ")}>${say("space")}</button>
      <button type="button" aria-label=${say("erase")} onClick=${() => onChange(value.slice(0, -1))}>⌫</button>
    </div>
  </div>`;
}

// What was typed, large; of a secret only how much.
export function Entry({ label, value, secret }) {
  const shown = secret ? "●".repeat(value.length) : value;
  return html`<p class="entry"><span>${label}</span>
    <output aria-label=${secret ? say("pin_typed", { count: value.length }) : value}>${shown}<i aria-hidden="true"></i></output></p>`;
}

