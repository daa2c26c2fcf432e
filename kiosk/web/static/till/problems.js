// What the service refused, in the shop's language where the till knows the code, else in the service's own words.

import { Refused } from "./api.js";
import { money } from "./money.js";
import { say, sayCode } from "./texts.js";

// Codes that only say of what sort the refusal is: the service's own words are added, in whatever language.
const VAGUE = new Set(["problem", "invalid_input", "not_found", "conflict", "forbidden"]);

export function sayProblem(error) {
  if (!(error instanceof Refused)) return { text: sayCode(error.code) ?? say("no_answer"), hint: "" };
  const { title, detail, hint, missing_minor } = error.problem;
  const text = sayCode(error.code, { missing: money(missing_minor ?? 0) });
  if (text) return { text, hint: VAGUE.has(error.code) && detail !== title ? (detail ?? "") : "" };
  return { text: detail && detail !== title ? `${title} ${detail}` : (title ?? say("no_answer")), hint: hint ?? "" };
}
