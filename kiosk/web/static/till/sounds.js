// Short sounds beside what is shown, never instead of it: one high beep for ok, two low ones for "look at the screen".

import { keep } from "./memory.js";
import { change, till } from "./state.js";

const LOUDNESS = [0, 0.04, 0.14, 0.4];
let context = null;

function beep(frequency, startS, lengthS) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  const from = context.currentTime + startS;
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(LOUDNESS[till().volume], from);
  gain.gain.exponentialRampToValueAtTime(0.0001, from + lengthS); // without the ramp the end clicks
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(from);
  oscillator.stop(from + lengthS);
}

function play(beeps) {
  if (!till().volume) return;
  try {
    context ??= new AudioContext();
    context.resume().catch(() => {});
    for (const [frequency, startS, lengthS] of beeps) beep(frequency, startS, lengthS);
  } catch {
    context = null; // a till without a sound card sells all the same
  }
}

export const soundOk = () => play([[1760, 0, 0.07]]);
export const soundBad = () => play([[220, 0, 0.16], [220, 0.22, 0.2]]);
export const soundCall = () => play([[988, 0, 0.18], [784, 0.2, 0.3]]);
export const soundPaid = () => play([[880, 0, 0.08], [1320, 0.09, 0.14]]);

export function nextVolume() {
  const volume = (till().volume + 1) % LOUDNESS.length;
  keep("volume", volume);
  change({ volume });
  soundOk();
}
