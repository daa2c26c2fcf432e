// The price of the basket, asked of the service after every change. Changes in quick succession are asked once, and
// only the answer to the last question counts: answers may overtake each other.

import { call, Refused } from "./api.js";
import { toQuote } from "./basket.js";
import { keep } from "./memory.js";
import { sayProblem } from "./problems.js";
import { change, clearNotice, notify, till } from "./state.js";

const SETTLE_MS = 40;
const AGAIN_MS = 1500;
let timer = 0;
let question = 0;

// Every change of the basket goes through here: kept first, so that a power cut loses nothing, then priced.
export function putBasket(basket) {
  const same = basket.revision === till().basket?.revision;
  keep("basket", basket);
  change(same ? { basket } : { basket, paySoon: false });
  if (same) return;
  clearNotice(); // what was wrong before may be right now; a new refusal says so again
  reprice();
}

export function reprice() {
  clearTimeout(timer);
  question += 1;
  if (!till().basket.lines.length) change({ quote: null });
  else timer = setTimeout(ask, SETTLE_MS, question);
}

async function ask(number) {
  const { basket } = till();
  try {
    const answer = await call("POST", "/v1/quotes", toQuote(basket));
    if (number === question) take(basket, answer);
  } catch (error) {
    if (number !== question) return;
    if (error instanceof Refused) refuse(basket, error);
    else timer = setTimeout(ask, AGAIN_MS, number);
  }
}

function take(basket, answer) {
  const lines = new Map(basket.lines.map((line, at) => [line.key, answer.lines[at]]));
  change({ quote: { ...answer, lines, revision: basket.revision, problem: null } });
}

function refuse(basket, refused) {
  const at = /^\/lines\/(\d+)/.exec(refused.problem.errors?.[0]?.pointer ?? "")?.[1];
  const wrong = basket.lines[Number(at ?? -1)];
  const problem = sayProblem(refused);
  change({ quote: { ...till().quote, lines: till().quote?.lines ?? new Map(), revision: null, problem, wrong: wrong?.key } });
  notify("bad", wrong ? `${wrong.name}: ${problem.text}` : problem.text, problem.hint);
}

// Whether the total on the screen is that of the basket on the screen. Money is taken only then.
export function isPriced({ basket, quote }) {
  return Boolean(quote && quote.revision === basket.revision && basket.lines.length);
}
