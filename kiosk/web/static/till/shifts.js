// The shift of this till: counted float, cash in and out, X at any time, a blind count at the end.

import { call } from "./api.js";
import { newId } from "./ids.js";
import { book, onOutcome } from "./outbox.js";
import { sayProblem } from "./problems.js";
import { loadShift } from "./session.js";
import { soundBad } from "./sounds.js";
import { change, notify, till } from "./state.js";
import { say } from "./texts.js";

export function openShift(floatMinor) {
  return book("shift_open", "/v1/shifts", { id: newId(), float_minor: floatMinor });
}

onOutcome("shift_open", {
  done: (shift) => change({ shift, phase: "selling", report: null }),
  refused: (error) => (error.code === "shift_already_open" ? loadShift() : tell(error)),
});

export const readShift = () => call("GET", `/v1/shifts/${till().shift.id}/report`);

export function moveCash(kind, amountMinor, reason) {
  const body = { id: newId(), kind, amount_minor: amountMinor, reason };
  return book("movement", `/v1/shifts/${till().shift.id}/movements`, body);
}

onOutcome("movement", {
  done() {
    change({ panel: null });
    notify("good", say("movement_done"));
  },
  refused: tell,
});

export function closeShift(counted) {
  return book("shift_close", `/v1/shifts/${till().shift.id}/close`, { counted });
}

onOutcome("shift_close", {
  done: (report) => change({ shift: null, panel: null, phase: "float", finished: null, payment: null, report }),
  refused: tell,
});

function tell(error) {
  soundBad();
  const { text, hint } = sayProblem(error);
  notify("bad", text, hint);
}
