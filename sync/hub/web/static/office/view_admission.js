// How a store joins: it is made known here, and a code that is good once and for ten minutes is typed at the store. One
// that is known already, such as after a lost disk, gets a new code in the same way.

import { call, listAll } from "./api.js";
import { h, show } from "./dom.js";
import { time } from "./formats.js";
import { problem } from "./parts.js";
import { say } from "./texts.js";

const CODE = "[A-Z0-9]{1,8}";

// `again` is called when the stores are others than before.
export function admission(again) {
  const told = h("div", { role: "status" });
  const code = h("input", { name: "code", required: true, pattern: CODE, maxlength: "8", autocomplete: "off", placeholder: "S002", oninput: upper });
  const name = h("input", { name: "name", required: true, maxlength: "200", autocomplete: "off" });
  let id = newId(); // the same until it worked: pressing twice makes one store
  const admit = asking(told, async () => {
    const known = (await listAll("/v1/stores")).find((store) => store.code === code.value);
    const made = known
      ? await call("POST", `/v1/stores/${known.id}/enrolment-codes`)
      : await call("POST", "/v1/stores", { id, code: code.value, name: name.value.trim() });
    id = newId();
    code.value = name.value = "";
    return made;
  }, again);
  return h(
    "details",
    { class: "admission" },
    h("summary", {}, say("admit")),
    h("p", { class: "quiet" }, say("admit_note")),
    h("form", { class: "filters", onsubmit: admit }, h("label", {}, say("store_code"), code), h("label", {}, say("store_name"), name),
      h("button", { class: "main" }, say("admit_do"))),
    told,
  );
}

function asking(told, work, after) {
  return async (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.currentTarget;
    button.disabled = true;
    try {
      show(told, instructions(await work()));
      after();
    } catch (error) {
      show(told, problem(error));
    } finally {
      button.disabled = false;
    }
  };
}

function instructions({ code, enrolment_code: enrolmentCode, expires_at: expiresAt }) {
  return [
    h("p", {}, say("type_at_store", { store: code, time: time(expiresAt) })),
    h("p", {}, h("code", { class: "mono command" }, `counterfoil enrol --hub ${location.origin} --code ${enrolmentCode} --config store.toml`)),
  ];
}

const upper = ({ target }) => (target.value = target.value.toUpperCase());

// A UUIDv7: the moment, then chance (RFC 9562, section 5.7). crypto.randomUUID is missing where there is no TLS.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let moment = Date.now();
  for (let at = 5; at >= 0; at -= 1, moment = Math.floor(moment / 256)) bytes[at] = moment % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
