// News without asking: the line to head office, parked baskets, new prices. A stream of events says that something
// happened, the till then asks what; should the stream be down, it asks every quarter of a minute all the same.

import { call, openStream } from "./api.js";
import { reprice } from "./pricing.js";
import { change, till } from "./state.js";

const LOOK_MS = 15_000;
const GATHER_MS = 400;
const AGAIN_MS = 3000;
const PRICES = /^(product|price|catalogue|offer)/;
let stopping = null;
let timer = 0;
let gathering = 0;
let lastId = null;

export function openLink() {
  closeLink();
  stopping = new AbortController();
  lastId = null;
  timer = setInterval(look, LOOK_MS);
  look();
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
  } catch {
    // What is wrong with the line is shown by the banner; here there is nothing to decide.
  }
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
  if (PRICES.test(kind) && till().basket.lines.length && !till().pending) reprice();
  gathering ||= setTimeout(look, GATHER_MS);
}
