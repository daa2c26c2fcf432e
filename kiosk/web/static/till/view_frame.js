// The strip on top, the banner below it, the row of keys at the bottom, and messages.

import { html, useEffect, useState } from "../vendor/htm-preact-standalone.js";
import { retryNow } from "./outbox.js";
import { COMMANDS, commandOf, run } from "./keys.js";
import { answerCall } from "./link.js";
import { knownOperators } from "./session.js";
import { undo } from "./selling.js";
import { nextVolume } from "./sounds.js";
import { moneyTerms, wholeNumber } from "./money.js";
import { say } from "./texts.js";

const ROW = ["F2", "F3", "F4", "F6", "F7", "F8", "F10", "F11", "Ctrl+P", "?"];
const TICK_MS = 10_000;

export function clock(at) {
  const { locale, timeZone } = moneyTerms();
  return new Date(at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
}

export function TopStrip({ till }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const { shop, volume } = till;
  const lock = commandOf("Ctrl+L");
  return html`<header class="top">
    <b>${shop.name}</b>
    <span class="tag">${shop.till}</span>
    <span class="who">${nameOf(shop.operator)}${shop.role === "manager" ? ` · ${say("manager")}` : ""}</span>
    <span class="day">${shop.business_day}</span>
    <span class="gap"></span>
    <${LinkState} till=${till} />
    <time>${clock(now)}</time>
    <button type="button" class="quiet" onClick=${nextVolume} title=${say("volume")}
      aria-label=${say("volume_is", { level: volume })}>♪<span class="bars" data-level=${volume}><i></i><i></i><i></i></span></button>
    <button type="button" class="quiet" onClick=${() => run(lock)}>${say("key_lock")} <kbd>Ctrl L</kbd></button>
  </header>`;
}

const nameOf = (id) => knownOperators().find((known) => known.id === id)?.name ?? id;

function LinkState({ till }) {
  const { link } = till.shop;
  if (till.unreachable) return html`<span class="link bad">${say("service_silent")}</span>`;
  if (link.state === "online") return html`<span class="link">${say("online")}</span>`;
  return html`<span class="link warn">${say("offline_short", { count: wholeNumber(link.queued) })}</span>`;
}

// What is not possible just now and what happens by itself. Never in the way of selling.
export function Banner({ till }) {
  const { unreachable, pending, shop } = till;
  if (pending && pending.attempt > 0)
    return html`<div class="banner warn" role="status"><b>${say("pending_title")}</b> ${say("pending_text")}
      <button type="button" onClick=${retryNow}>${say("try_now")}</button></div>`;
  if (unreachable)
    return html`<div class="banner warn" role="status"><b>${say("silent_title", { time: clock(unreachable) })}</b> ${say("silent_text")}</div>`;
  if (shop?.read_only) return html`<div class="banner bad" role="status"><b>${say("read_only")}</b> ${shop.read_only}</div>`;
  if (shop?.link.state === "offline")
    return html`<div class="banner" role="status"><b>${say("offline_title", offlineValues(shop.link))}</b> ${say("offline_text")}</div>`;
  return null;
}

// Somebody at a kiosk needs a person. It stays until one says that somebody comes.
export function Calls({ till }) {
  if (!till.calls.length) return null;
  const [first] = till.calls;
  return html`<div class="banner call" role="alert"><b>${say("call_title", { kiosks: till.calls.map(({ kiosk }) => kiosk).join(", ") })}</b>
    ${say("call_text", { time: clock(Date.parse(first.at)) })}
    <button type="button" onClick=${() => answerCall(first.id)}>${say("key_coming")} <kbd>Ctrl Y</kbd></button></div>`;
}

const offlineValues = ({ since, queued }) => ({ time: since ? clock(since) : "–", count: wholeNumber(queued) });

export function KeyRow({ till }) {
  const commands = ROW.map((key) => COMMANDS.find((command) => command.key === key));
  return html`<nav class="keys" aria-label=${say("keys")}>
    ${commands.map(
      (command) => html`<button key=${command.key} type="button" disabled=${till.pending || !command.when(till)}
        onClick=${() => run(command)}>
        <kbd>${command.key.replace("+", " ")}</kbd><span>${say(command.name)}</span>
        ${command.key === "F8" && till.parked > 0 && html`<b class="count">${till.parked}</b>`}
      </button>`,
    )}
  </nav>`;
}

// Said aloud by screen readers and gone by itself, except for bad news.
export function Messages({ till }) {
  const { notice, undo: taken } = till;
  return html`<div class="messages">
    <div role="status" aria-live="polite">
      ${notice && html`<p key=${notice.at} class=${`notice ${notice.tone}`}><i aria-hidden="true"></i><span><b>${notice.text}</b> ${notice.hint}</span></p>`}
      ${taken && html`<p class="notice undo" key=${taken.row.key}><span>${say("removed", { name: taken.row.name ?? taken.row.title ?? taken.row.code })}</span>
        <button type="button" onClick=${undo}>${say("key_undo")} <kbd>Ctrl Z</kbd></button></p>`}
    </div>
  </div>`;
}
