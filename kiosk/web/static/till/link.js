// News without asking: the line to head office, parked baskets, new prices. A stream of events says that something
// happened, the till then asks what; should the stream be down, it asks every quarter of a minute all the same.

import { call, openStream } from "./api.js";
import { reprice } from "./pricing.js";
import { soundCall } from "./sounds.js";
import { refreshStanding } from "./standing.js";
import { change, till } from "./state.js";

const LOOK_MS = 15_000;
const GATHER_MS = 400;
const AGAIN_MS = 3000;
const SOON_MS = 2000;
const PRICES = /^(product|price|catalogue|offer)/;
const HELP = "help.changed";
let stopping = null;
let timer = 0;
let gathering = 0;
let settling = 0;
let lastId = null;

export function openLink() {
  closeLink();
  stopping = new AbortController();
  lastId = null;
  timer = setInterval(lookAround, LOOK_MS);
  lookAround();
  follow(stopping.signal);
}

export function closeLink() {
  clearInterval(timer);
  stopping?.abort();
}

export async function look() {
  gathering = 0;
  try {
    change({ shop: await call("GET", "/v1/store") });
    change({ parked: (await call("GET", "/v1/parked")).items.length });
    settle();
  } catch {
    // What is wrong with the line is shown by the banner; here there is nothing to decide.
  }
}

function lookAround() {
  look();
  lookForCalls();
}

// Points that nobody has confirmed are asked for again as soon as head office has everything of this store: moments
// later as long as something waits, else with the ordinary looks.
function settle() {
  const { standing, shop } = till();
  if (!standing?.points?.provisional || shop.link.state !== "online") return;
  if (shop.link.queued === 0) refreshStanding();
  else settling ||= setTimeout(() => ((settling = 0), look()), SOON_MS);
}

// Who waits for help at a kiosk. A call sounds when it comes, and again as long as nobody has answered it.
async function lookForCalls() {
  try {
    const { items } = await call("GET", "/v1/help-calls");
    if (items.length) soundCall();
    change({ calls: items });
  } catch {
    // The next look tells.
  }
}

export async function answerCall(id) {
  change({ calls: till().calls.filter((waiting) => waiting.id !== id) });
  await call("DELETE", `/v1/help-calls/${id}`).catch(() => {});
  lookForCalls();
}

async function follow(signal) {
  while (!signal.aborted) {
    try {
      await readStream(signal);
    } catch {
      // Ended or never opened: both are mended by opening it again.
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function readStream(signal) {
  const response = await openStream("/v1/events", lastId ? { "Last-Event-ID": lastId } : {}, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    events.forEach(takeEvent);
  }
}

function takeEvent(text) {
  const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1];
  lastId = field("id") ?? lastId;
  const kind = field("event");
  if (!kind || kind === "head") return;
  if (kind === HELP) return lookForCalls();
  if (PRICES.test(kind) && till().basket.lines.length && !till().pending) reprice();
  gathering ||= setTimeout(look, GATHER_MS);
}
