// Every key that does something while the cashier sells. The same table fills the buttons and the help sheet, so what
// is shown is what works. Dialogs have their own keys; the browser's own (reload, find, print) are always held back.

import { lock } from "./session.js";
import { answerCall } from "./link.js";
import { closePayment, openPayment } from "./paying.js";
import { moveSelection, selectedLine, selectedRow } from "./basket.js";
import { putBasket } from "./pricing.js";
import { isBurst } from "./scanner.js";
import { addToSelected, nextCustomer, openPanel, stopSearch, undo, voidSelected } from "./selling.js";
import { change, clearNotice, till } from "./state.js";

const HOLD_MS = 60; // longer than the gap between two keys of a scanner
const BROWSER_KEYS = /^F([1-9]|10|11)$/;

const hasRow = (state) => Boolean(selectedRow(state.basket)) && !state.payment && !state.finished;
const hasLine = (state) => Boolean(selectedLine(state.basket)) && !state.payment && !state.finished;
const hasBasket = (state) => state.basket.lines.length > 0 && !state.payment;
const always = () => true;

// {name: text key, key: as shown, when: is it possible now, run}
export const COMMANDS = [
  { name: "key_search", key: "F2", when: always, run: focusEntry },
  { name: "key_enrol", key: "F3", when: (state) => !state.payment, run: () => openPanel("enrol") },
  { name: "key_member", key: "F4", when: always, run: () => openPanel("member") },
  { name: "key_line", key: "F6", when: hasLine, run: () => openPanel("line") },
  { name: "key_park", key: "F7", when: hasBasket, run: () => openPanel("park") },
  { name: "key_parked", key: "F8", when: (state) => !state.payment, run: () => openPanel("parked") },
  { name: "key_pay", key: "F9", also: "Ctrl+Enter", when: hasBasket, run: openPayment },
  { name: "key_shift", key: "F10", when: always, run: () => openPanel("shift") },
  { name: "key_return", key: "F11", when: always, run: () => openPanel("returns") },
  { name: "key_last", key: "Ctrl+P", when: (state) => Boolean(state.last), run: () => openPanel("last") },
  { name: "key_lock", key: "Ctrl+L", when: always, run: lock },
  { name: "key_void", key: "Del", when: hasRow, run: voidSelected },
  { name: "key_undo", key: "Ctrl+Z", when: (state) => Boolean(state.undo), run: undo },
  { name: "key_more", key: "+", when: hasLine, run: () => addToSelected(1) },
  { name: "key_less", key: "-", when: hasLine, run: () => addToSelected(-1) },
  { name: "key_up", key: "↑", when: hasRow, run: () => moveLine(-1) },
  { name: "key_down", key: "↓", when: hasRow, run: () => moveLine(1) },
  { name: "key_coming", key: "Ctrl+Y", when: (state) => state.calls.length > 0, run: () => answerCall(till().calls[0].id) },
  { name: "key_help", key: "?", also: "F1", when: always, run: () => openPanel("help") },
  { name: "key_back", key: "Esc", when: always, run: back },
];

const NAMES = { Delete: "Del", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
// These edit or move within the entry field while it holds text.
const EDITING = new Set(["Del", "+", "-", "?", "↑", "↓", "Ctrl+Z"]);
const LETTERS = new Set(["+", "-", "?"]);

export function commandOf(key) {
  return COMMANDS.find((command) => command.key === key || command.also === key);
}

export function run(command) {
  const state = till();
  if (state.phase !== "selling" || state.pending || !command.when(state)) return;
  command.run();
}

export function listenForKeys() {
  addEventListener("keydown", (event) => {
    const key = nameOf(event);
    if (BROWSER_KEYS.test(event.key) || ["Ctrl+R", "Ctrl+P", "Ctrl+L", "Ctrl+F", "Ctrl+S"].includes(key)) event.preventDefault();
    if (event.defaultPrevented && !commandOf(key)) return;
    if (till().phase !== "selling" || till().panel || till().approval || event.isComposing) return;
    const command = commandOf(key);
    if (command) handle(event, key, command);
    else if (event.key.length === 1 && !event.ctrlKey && !event.altKey && isNowhere(event.target)) focusField();
  });
}

function nameOf(event) {
  const key = NAMES[event.key] ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  return event.ctrlKey || event.metaKey ? `Ctrl+${key}` : key;
}

const isNowhere = (target) => !(target instanceof HTMLInputElement) && !(target instanceof HTMLButtonElement);

function handle(event, key, command) {
  if (EDITING.has(key) && isEditing(event.target)) return;
  event.preventDefault();
  if (!LETTERS.has(key)) return run(command);
  // The letter may be the first of a scan: wait one gap and see.
  setTimeout(() => isBurst() || run(command), HOLD_MS);
}

function isEditing(target) {
  return target instanceof HTMLInputElement && (target.value !== "" || target.id !== "entry");
}

export function focusEntry() {
  if (till().payment) closePayment();
  const entry = document.getElementById("entry");
  entry?.focus();
  entry?.select();
}

// Whatever is typed without a field goes to the field of the moment: an amount while money is taken, else an article.
function focusField() {
  document.getElementById(till().payment ? "amount" : "entry")?.focus();
}

function moveLine(step) {
  putBasket(moveSelection(till().basket, step));
}

function back() {
  const { search, payment, finished } = till();
  if (search) stopSearch();
  else if (payment) closePayment();
  else if (finished) nextCustomer();
  else change({ undo: null });
  clearNotice();
  queueMicrotask(() => document.getElementById("entry")?.focus());
}
