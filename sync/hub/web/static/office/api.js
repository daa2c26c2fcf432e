// One way to ask head office. A refusal is a `Refused` with the problem's code; no answer at all is an `Unanswered`.

const TIMEOUT_MS = 30_000;
const KEY = "counterfoil-office";

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    this.hint = problem.hint ?? "";
  }
}

export class Unanswered extends Error {}

let session = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
let onSignedOut = () => {};

export const whoIsHere = () => session;
export const canDecide = () => session?.role === "head_office";
export const listen = (listener) => (onSignedOut = listener);

export async function signIn(user, password) {
  keep(await call("POST", "/v1/sign-ins", { user, password }));
}

export async function signOut() {
  await call("DELETE", "/v1/sign-ins").catch(() => null); // the token ends by itself where nobody answers
  keep(null);
}

export async function call(method, path, body) {
  const response = await request(method, path, body);
  return response.status === 204 ? null : response.json();
}

// A file as it is: CSV and XML are for other programs.
export async function download(path, kind, name) {
  const response = await request("GET", path, undefined, kind);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Every page of a list, up to `most` things.
export async function listAll(path, most = 1000) {
  const items = [];
  let after = null;
  do {
    const mark = path.includes("?") ? "&" : "?";
    const page = await call("GET", `${path}${mark}limit=200${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return items;
}

async function request(method, path, body, accept = "application/json") {
  const headers = { Accept: accept };
  if (session) headers.Authorization = `Bearer ${session.token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch (error) {
    throw new Unanswered(String(error));
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401 && session) {
    keep(null);
    onSignedOut();
  }
  throw new Refused(response.status, problem);
}

function keep(value) {
  session = value;
  if (value) sessionStorage.setItem(KEY, JSON.stringify(value));
  else sessionStorage.removeItem(KEY);
}
