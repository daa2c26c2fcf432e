// After the sale: goods that come back, a sale that is voided, a receipt printed once more. All of it books through the
// outbox, so a lost answer cannot give money back twice.

import { call } from "./api.js";
import { roundCash } from "./cash.js";
import { newId } from "./ids.js";
import { book, onOutcome } from "./outbox.js";
import { askApproval, remember } from "./paying.js";
import { sayProblem } from "./problems.js";
import { soundBad, soundPaid } from "./sounds.js";
import { change, notify, till } from "./state.js";
import { say } from "./texts.js";

export const findSale = (text) => call("GET", `/v1/sales/${encodeURIComponent(text.trim())}`);

export const quoteReturn = (sale, lines) => call("POST", "/v1/return-quotes", { sale, lines });

// How to give the money back: `first` as far as it goes, then the others, cash last and to the nearest coin, as the
// service draws it. [] where the sale's payments do not cover it.
export function planRefunds(quote, first) {
  const order = [...quote.refunds_allowed].sort((a, b) => rank(a.kind, first) - rank(b.kind, first));
  const plan = [];
  let left = quote.refund_minor;
  for (const { kind, max_minor } of order) {
    const part = Math.min(left, max_minor);
    if (part > 0) plan.push({ kind, amount_minor: part });
    left -= Math.max(0, part);
  }
  return left > 0 ? [] : plan.map((part) => (part.kind === "cash" ? { ...part, amount_minor: roundCash(part.amount_minor) } : part));
}

const rank = (kind, first) => (kind === first ? 0 : kind === "cash" ? 2 : 1);

export function takeBack(quote, lines, refunds, reason, id = newId()) {
  const body = { id, sale: quote.sale, lines, refunds, reason, receipt: "paper" };
  return book("return", "/v1/returns", body);
}

onOutcome("return", {
  done(taken) {
    soundPaid();
    remember(taken);
    change({ panel: { name: "returned", taken } });
  },
  refused: withApproval("return"),
});

export function voidSale(sale, reason) {
  return book("void", `/v1/sales/${sale.id}/void`, { reason });
}

onOutcome("void", {
  done(sale) {
    change({ panel: null, finished: till().finished?.id === sale.id ? null : till().finished });
    notify("good", say("voided_done", { number: sale.number }));
  },
  refused: withApproval("void"),
});

// Nothing was booked; if a manager's word was missing, the same command goes out again with it.
function withApproval(purpose) {
  return async (error, command) => {
    if (error.code === "approval_needed" || error.code === "approval_unknown") {
      const approval = await askApproval(purpose);
      if (approval) await book(command.kind, command.path, { ...command.body, approval }, command.context);
      return;
    }
    soundBad();
    const { text, hint } = sayProblem(error);
    notify("bad", text, hint);
  };
}

// A paper that is still coming out cannot be asked for again; a moment later it can.
const STILL_PRINTING_MS = 500;
const PATIENCE = 6;

export async function reprint(paper, tries = 0) {
  try {
    await call("POST", `/v1/print-jobs/${paper}/reprint`);
    notify("good", say("reprint_done"));
  } catch (error) {
    if (error.status === 409 && tries < PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve, STILL_PRINTING_MS));
      return reprint(paper, tries + 1);
    }
    const { text, hint } = sayProblem(error);
    notify("bad", text, hint);
  }
}
