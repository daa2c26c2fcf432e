// What the service refused, as a shopper can follow it; for everything else there are people at the till.

import { Refused } from "../till/api.js";
import { GivenUp } from "./booking.js";
import { hasText, say } from "./texts.js";

export function sayProblem(error) {
  if (error instanceof GivenUp) return say("given_up");
  if (!(error instanceof Refused)) return say("no_answer");
  const key = `problem_${error.code}`;
  return say(hasText(key) ? key : "problem_other");
}
