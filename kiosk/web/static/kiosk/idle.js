// Whoever walks away is forgotten: first the question, then the countdown, then a clean screen.

import { leave } from "./journey.js";
import { change, kiosk } from "./state.js";

const TICK_MS = 250;
const RESTING = new Set(["starting", "pairing", "closed", "attract"]);
let touchedAt = 0;

export function watchIdle() {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, notice, { capture: true });
  touch();
  setInterval(tick, TICK_MS);
}

// Any touch and any key keep the visit. What presses the button of the question itself is left to the button: were the
// question gone before the finger is lifted, the finger would be over something else.
function notice(event) {
  touchedAt = performance.now();
  const isForButton = event.type === "pointerdown" || event.key === "Enter" || event.key === " ";
  if (!(isForButton && event.target.closest?.("[role=dialog]"))) touch();
}

export function touch() {
  touchedAt = performance.now();
  if (kiosk().idle !== null) change({ idle: null });
}

function tick() {
  const { phase, shop, idle } = kiosk();
  if (RESTING.has(phase) || !shop) {
    touchedAt = performance.now();
    return;
  }
  const over = (performance.now() - touchedAt) / 1000 - shop.idle_seconds;
  if (over < 0) return;
  const left = Math.ceil(shop.countdown_seconds - over);
  if (left <= 0) leave();
  else if (left !== idle) change({ idle: left });
}
