// A scanner is a keyboard that types faster than people: keys at most 50 ms apart, then Enter or Tab. It may type at any
// moment and into any field, so the listener sits in front of all fields. The letters of a scan do arrive in the field
// that has the focus (nobody can know at the first key); once the scan is recognised the field gets back what it held.

const GAP_MS = 50;
const NEVER_SCANNED = /^(Arrow.*|Escape|Delete|Backspace)$/; // a person is at the keys
const FRESH = { text: "", last: 0, field: null };

let burst = { ...FRESH };
let finishedAt = -Infinity;

// `shortest` answers how many letters make a scan just now.
export function listenForScans(onScan, shortest) {
  addEventListener("keydown", (event) => take(event, onScan, shortest), { capture: true });
}

// Whether keys are arriving at a scanner's speed just now. A single letter that is also a command waits for this.
export function isBurst() {
  const now = performance.now();
  return now - finishedAt <= 2 * GAP_MS || (burst.text.length > 1 && now - burst.last <= GAP_MS);
}

function take(event, onScan, shortest) {
  if (event.repeat) return; // a key held down is fast as well
  const isNear = event.timeStamp - burst.last <= GAP_MS;
  if (event.key === "Enter" || event.key === "Tab") {
    const scanned = isNear && burst.text.length >= shortest() ? burst : null;
    burst = { ...FRESH };
    if (scanned) finish(event, scanned, onScan);
    return;
  }
  const character = characterOf(event);
  if (NEVER_SCANNED.test(event.key)) burst = { ...FRESH };
  if (character === null) return;
  if (!isNear) burst = { text: "", last: 0, field: remember(document.activeElement) };
  burst.text += character;
  burst.last = event.timeStamp;
  if (character === " " && burst.text.length > 1) guardButton(event);
}

function finish(event, scanned, onScan) {
  event.preventDefault();
  event.stopImmediatePropagation();
  finishedAt = event.timeStamp;
  restore(scanned);
  onScan(scanned.text);
}

// Some scanners send the GS1 separator as Ctrl+]. Under an input method (Hangul, kana) `key` is no letter; the key's
// place on the keyboard still is what the scanner meant.
function characterOf(event) {
  if (event.ctrlKey && event.code === "BracketRight") {
    event.preventDefault();
    return "\u001d";
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (event.key.length === 1 && event.key <= "~") return event.key;
  const place = /^(?:Key([A-Z])|Digit(\d))$/.exec(event.code);
  if (!place || (event.key.length !== 1 && event.key !== "Process")) return null;
  return place[2] ?? (event.shiftKey ? place[1] : place[1].toLowerCase());
}

// The space of a scan must not press the button that happens to have the focus.
function guardButton(event) {
  if (document.activeElement instanceof HTMLButtonElement) event.preventDefault();
}

function remember(element) {
  const isText = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
  return isText ? { element, value: element.value } : null;
}

// A scan that began without a field may have been led into one by its first letter: then its letters are cut off again.
function restore({ field, text }) {
  const { element, value } = field ?? remember(document.activeElement) ?? {};
  if (!element?.isConnected) return;
  const before = field || !value.endsWith(text) ? (field?.value ?? value) : value.slice(0, -text.length);
  if (element.value !== before) putText(element, before);
}

// Set a field as if it had been typed into.
export function putText(element, text) {
  element.value = text;
  element.dispatchEvent(new InputEvent("input", { bubbles: true }));
}
