// The command that waits for its answer: a sale, a return, a shift. One at a time.
//
//   1. it is kept on this machine, whole and with its id;
//   2. it is sent, again and again, always the same bytes, until the service gives a verdict;
//   3. only then it is forgotten.
//
// Lost answer, closed browser, power cut, restarted service: in all cases the same command goes out once more, and the
// service books an id once. What must never happen is a second id for the same sale, so nothing here makes ids.

import { call, Refused } from "./api.js";
import { keep, recall } from "./memory.js";
import { change } from "./state.js";

const PAUSES_MS = [300, 700, 1500, 3000, 5000];
const outcomes = new Map(); // kind -> {done(answer, command), refused(error, command)}
let wakeUp = () => {};
let signedIn = Promise.resolve();
let isSending = false;

export const onOutcome = (kind, outcome) => outcomes.set(kind, outcome);

// `context` is for the screen alone and is not sent.
export async function book(kind, path, body, context = {}) {
  if (recall("outbox")) return;
  const command = { kind, path, body, context };
  keep("outbox", command);
  await deliver(command);
}

// After a restart: whatever was under way is brought to its end first.
export async function resumeOutbox() {
  const command = recall("outbox");
  if (command && !isSending) await deliver(command);
}

export const retryNow = () => wakeUp();

// While nobody is signed in, sending waits; the command does not change with the operator who signs in next.
export const waitForSignIn = (promise) => (signedIn = promise);

async function deliver(command) {
  isSending = true;
  change({ pending: { ...command, attempt: 0 } });
  try {
    const { answer, refused } = await untilVerdict(command);
    keep("outbox", null);
    change({ pending: null });
    const outcome = outcomes.get(command.kind);
    if (refused) outcome.refused(refused, command);
    else outcome.done(answer, command);
  } finally {
    isSending = false;
  }
}

async function untilVerdict(command) {
  for (let attempt = 0; ; attempt += 1) {
    await signedIn;
    try {
      return { answer: await call("POST", command.path, command.body) };
    } catch (error) {
      if (error instanceof Refused && error.status !== 401) return { refused: error };
      change({ pending: { ...command, attempt: attempt + 1 } });
      await pause(PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]);
    }
  }
}

function pause(ms) {
  return new Promise((resolve) => {
    wakeUp = resolve;
    setTimeout(resolve, ms);
  });
}
