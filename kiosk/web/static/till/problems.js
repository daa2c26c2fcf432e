// What the service refused, in the shop's language where the till knows the code, else in the service's own words.

import { Refused } from "./api.js";
import { hasText, say } from "./texts.js";

export function sayProblem(error) {
  if (!(error instanceof Refused)) return { text: say("no_answer"), hint: "" };
  const key = `problem_${error.code}`;
  if (hasText(key)) return { text: say(key), hint: "" };
  const { title, detail, hint } = error.problem;
  return { text: detail && detail !== title ? `${title} ${detail}` : (title ?? say("no_answer")), hint: hint ?? "" };
}
