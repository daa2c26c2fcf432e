// Notes and coins: what a shopper is likely to hand over, and what is counted at the end of a shift.

import { moneyTerms } from "./money.js";

// Notes and coins in units of the currency times 100, largest first, as they are in circulation.
const PIECES = {
  EUR: [[20000, 10000, 5000, 2000, 1000, 500], [200, 100, 50, 20, 10, 5, 2, 1]],
  PLN: [[50000, 20000, 10000, 5000, 2000, 1000], [500, 200, 100, 50, 20, 10, 5, 2, 1]],
  USD: [[10000, 5000, 2000, 1000, 500, 100], [25, 10, 5, 1]],
  GBP: [[5000, 2000, 1000, 500], [200, 100, 50, 20, 10, 5, 2, 1]],
  KRW: [[5000000, 1000000, 500000, 100000], [50000, 10000, 5000, 1000]],
  JPY: [[1000000, 500000, 200000, 100000], [50000, 10000, 5000, 1000, 500, 100]],
};
const OTHER = [[10000, 5000, 2000, 1000, 500], [200, 100, 50, 20, 10, 5, 2, 1]];

function pieces(at) {
  const { currency, digits } = moneyTerms();
  const scale = 10 ** digits;
  return (PIECES[currency] ?? OTHER)[at].map((value) => Math.trunc((value * scale) / 100)).filter((value) => value > 0);
}

export const notes = () => pieces(0);

// All pieces to count, without coins smaller than the store's cash rounding.
export const denominations = () => [...notes(), ...pieces(1)].filter((value) => value >= moneyTerms().step);

// The amount that coins can pay: the nearest step, half away from zero (the store rounds the same way).
export function roundCash(minor, step = moneyTerms().step) {
  const size = Math.abs(minor);
  const rounded = Math.floor((2 * size + step) / (2 * step)) * step;
  return minor < 0 ? -rounded : rounded;
}

// The next amounts above `due` that notes make: due 12.58 -> 15, 20, 50, 100 in euro.
export function likelyCash(due) {
  const above = notes().map((note) => Math.ceil(due / note) * note);
  return [...new Set(above)].filter((value) => value > due).sort((a, b) => a - b).slice(0, 4);
}
