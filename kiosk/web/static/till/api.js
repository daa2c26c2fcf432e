// One way to ask the store service. Three outcomes, and they must not be mixed up:
//   an answer       the call returns it
//   Refused         the service said no: nothing was booked
//   Unanswered      no or no usable answer came: the outcome is unknown, only the same command may be sent again

import { keep, recall } from "./memory.js";

const TIMEOUT_MS = 10_000;
const SEEN = "seen";
const NEWEST = new Set(["/v1/store", "/v1/kiosk"]);
// Not a verdict about the command: the service was too busy, stopping, or failed in the middle.
const NO_VERDICT = new Set([408, 429, 500, 502, 503, 504]);

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.title ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
    this.code = problem.code ?? "";
  }
}

// `code` says why where the service still could: too many requests, a disk that does not answer.
export class Unanswered extends Error {
  constructor(reason, code = "") {
    super(reason);
    this.code = code;
  }
}

let token = null;
let onReach = () => {};
let onUnauthorized = () => {};
let onReadOnly = () => {};

export const setToken = (value) => (token = value);
export const hasToken = () => token !== null;
export function setListeners(listeners) {
  ({ onReach, onUnauthorized, onReadOnly } = listeners);
}

export async function call(method, path, body, options = {}) {
  const response = await request(method, path, body, options);
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => Promise.reject(new Unanswered("cut off")));
  if (path === "/v1/pairings") keep(SEEN, null);
  else if (answer?.journal && tellsNewest(method, path, response)) remember(answer.journal);
  return answer;
}

// An old sale that is shown, or answered again, names an old entry.
const tellsNewest = (method, path, response) =>
  NEWEST.has(path) || (method === "POST" && !response.headers.get("Idempotency-Replayed"));

// The newest entry of the shop's journal that this screen has seen. It goes with every request: a service whose disk was
// set back to an older state learns from it that it has lost something, and begins a new series of numbers.
function remember({ epoch, seq, hash }) {
  const seen = recall(SEEN);
  if (seen?.epoch !== epoch || seen.seq < seq) keep(SEEN, { epoch, seq, hash });
}

export async function callBlob(path) {
  return (await request("GET", path)).blob();
}

async function request(method, path, body, options = {}) {
  const used = options.token ?? token;
  const headers = { ...options.headers };
  if (used) headers.Authorization = `Bearer ${used}`;
  const seen = recall(SEEN);
  if (seen && used) headers["Counterfoil-Seen"] = `${seen.epoch}:${seen.seq}:${seen.hash}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: options.signal ?? AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch (error) {
    if (!options.signal) onReach(false); // a stream may end for many reasons; questions tell whether anybody is there
    throw new Unanswered(String(error));
  }
  onReach(true);
  if (!response.ok) await refuse(response, used === token && !options.token);
  return response;
}

async function refuse(response, isOurs) {
  const problem = await response.json().catch(() => ({}));
  if (NO_VERDICT.has(response.status) && problem.code !== "read_only") throw new Unanswered(problem.title ?? "", problem.code);
  const refused = new Refused(response.status, problem);
  if (response.status === 401 && isOurs) onUnauthorized();
  if (refused.code === "read_only") onReadOnly();
  throw refused;
}

// The open stream of events. EventSource cannot send a token, fetch can.
export const openStream = (path, headers, signal) => request("GET", path, undefined, { headers, signal });
