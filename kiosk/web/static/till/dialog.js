// The frame of every dialog: the browser's own <dialog>, which keeps the focus inside and gives it back afterwards.

import { html, useLayoutEffect, useRef, useState } from "../vendor/htm-preact-standalone.js";
import { sayProblem } from "./problems.js";
import { soundBad } from "./sounds.js";
import { till } from "./state.js";
import { say } from "./texts.js";
import { Messages } from "./view_frame.js";

// Messages belong to whatever lies on top: behind an open dialog nobody would see them.
export function Dialog({ title, onClose, wide, isApproval, children }) {
  const frame = useRef();
  // With the drawing, not after it: the next key must find the focus where it belongs.
  useLayoutEffect(() => {
    const dialog = frame.current;
    dialog.showModal();
    dialog.querySelector("[data-first]")?.focus();
    return () => {
      dialog.close();
      setTimeout(() => takeFocus(document.activeElement));
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${frame} class=${wide ? "dialog wide" : "dialog"} aria-label=${title} onCancel=${cancel}>
    <header>
      <h2>${title}</h2>
      <button type="button" class="quiet" onClick=${onClose}>${say("close")} <kbd>Esc</kbd></button>
    </header>
    <div class="dialog-body">${children}</div>
    ${(isApproval || !till().approval) && html`<${Messages} till=${till()} />`}
  </dialog>`;
}

// Chromium gives the focus back to a field when a dialog closes, but not the caret: letters would go nowhere. Leaving
// and entering the field sets both.
export function takeFocus(field) {
  if (!(field instanceof HTMLInputElement) || field.type === "radio") return;
  field.blur();
  field.focus();
}

// What a dialog asks the service for: {busy, problem, run}. While it waits, a second press does nothing.
export function useAsk() {
  const [state, set] = useState({ busy: false, problem: null });
  const run = async (work) => {
    if (state.busy) return;
    set({ busy: true, problem: null });
    try {
      await work();
      set({ busy: false, problem: null });
    } catch (error) {
      soundBad();
      set({ busy: false, problem: sayProblem(error) });
    }
  };
  return { ...state, run };
}

export function Problem({ problem }) {
  if (!problem) return null;
  return html`<p class="problem" role="alert"><b>${problem.text}</b> ${problem.hint}</p>`;
}

// One of several, as buttons that look like what they are; the arrow keys move between them.
export function Choice({ name, legend, options, value, onChange }) {
  return html`<fieldset class="choice">
    <legend>${legend}</legend>
    <div>
      ${options.map(
        ([key, label]) => html`<label key=${key} class=${key === value ? "chip on" : "chip"}>
          <input type="radio" name=${name} checked=${key === value} onChange=${() => onChange(key)} />
          <span>${label}</span>
        </label>`,
      )}
    </div>
  </fieldset>`;
}

export function submit(work) {
  return (event) => {
    event.preventDefault();
    work();
  };
}
