// A kiosk with a keypad and no touch must do everything too: arrows move, Enter presses, Escape goes back, digits go to
// the pad.

import { isBurst } from "../till/scanner.js";
import { back } from "./journey.js";
import { kiosk } from "./state.js";

const HOLD_MS = 60; // longer than the gap between two keys of a scanner
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const GAP_MS = 50;
let pad = null;
let before = null; // what the pad held when the present burst of keys began
let lastAt = -Infinity;
let scans = 0;

// The pad that is on the screen just now: {value, press, onChange}, or null.
export const setPad = (shown) => (pad = shown);

// What a scanner typed was no typing: the pad gets back what it held.
export function undoScan() {
  scans += 1;
  if (pad && before !== null) pad.onChange(before);
}

export function listenForKeys() {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if (event.key === "Escape") back();
    else if (event.key === "Enter" && !isTyping && !(event.target instanceof HTMLButtonElement)) submitPad();
    else if (ARROWS[event.key] && !isTyping) moveFocus(event, ARROWS[event.key]);
    else if (!isTyping && (/^[\d+]$/.test(event.key) || event.key === "Backspace")) padKey(event);
  });
}

// Enter after digits on a keypad: the form goes on as if its button had been pressed.
function submitPad() {
  const button = document.querySelector(".work .ask button.main");
  if (button && !button.disabled && !button.closest("[inert]")) button.form.requestSubmit(button);
}

function padKey(event) {
  const { visit, phase } = kiosk();
  const { key, timeStamp } = event;
  const scansBefore = scans;
  if (timeStamp - lastAt > GAP_MS) before = pad ? pad.value : null;
  lastAt = timeStamp;
  // It may be the first digit of a scan: wait one gap and see.
  setTimeout(() => {
    const isHere = kiosk().visit === visit && kiosk().phase === phase && scans === scansBefore;
    if (isHere && !isBurst()) pad?.press(key);
  }, HOLD_MS);
}

// To the nearest thing in that direction; sideways counts double, so that columns are kept.
function moveFocus(event, [x, y]) {
  event.preventDefault();
  const within = document.querySelector("[role=dialog]") ?? document;
  const all = [...within.querySelectorAll("button, input, summary")].filter((each) => !each.disabled && each.checkVisibility());
  const from = all.includes(document.activeElement) ? document.activeElement : null;
  if (!from) return (within.querySelector("[data-first]") ?? all.find((each) => each.closest(".work")) ?? all[0])?.focus();
  const place = middle(from);
  let best = null;
  let least = Infinity;
  for (const each of all) {
    const [dx, dy] = [middle(each)[0] - place[0], middle(each)[1] - place[1]];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(y * dx) + Math.abs(x * dy);
    if (each !== from && ahead > 4 && ahead + 2 * aside < least) [best, least] = [each, ahead + 2 * aside];
  }
  return best?.focus();
}

function middle(element) {
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}
