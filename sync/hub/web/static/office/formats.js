// Figures, money and times in the language of the screen. Money is whole minor units: Intl gets decimal text, no float.

import { locale, say } from "./texts.js";

const currencies = new Map();

function currencyFormat(currency) {
  const key = `${locale()} ${currency}`;
  if (!currencies.has(key)) {
    const format = new Intl.NumberFormat(locale(), { style: "currency", currency });
    currencies.set(key, { format, digits: format.resolvedOptions().maximumFractionDigits });
  }
  return currencies.get(key);
}

export function money(minor, currency) {
  if (minor === null || minor === undefined) return "";
  if (!/^[A-Z]{3}$/.test(currency ?? "")) return number(minor);
  const { format, digits } = currencyFormat(currency);
  return format.format(decimal(minor, digits));
}

export const number = (value) => (value === null || value === undefined ? "" : new Intl.NumberFormat(locale()).format(value));

// Whole thousandths as percent with one digit: 333 is 33.3 %.
export const share = (permille) =>
  permille === null || permille === undefined
    ? ""
    : new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(permille / 1000);

// Thousandths as a number with two digits at most: 2340 is 2.34.
export const thousandths = (value) =>
  value === null || value === undefined ? "" : new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value / 1000);

export function time(text) {
  if (!text) return say("never");
  return new Intl.DateTimeFormat(locale(), { dateStyle: "short", timeStyle: "short" }).format(new Date(text));
}

// How long ago, in the largest unit that fits: 5 minutes, 3 hours, 2 days.
export function age(text) {
  if (!text) return say("never");
  const seconds = Math.max(0, (Date.now() - new Date(text)) / 1000);
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  if (seconds < 60) return say("just_now");
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 2 * 86400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return relative.format(-Math.floor(seconds / 86400), "day");
}

// A clock that is ahead or behind, in seconds with one digit.
export function offset(ms) {
  const tenths = Math.round(ms / 100);
  const sign = tenths > 0 ? "+" : "";
  return `${sign}${new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(tenths / 10)} s`;
}

function decimal(value, digits) {
  const size = String(Math.abs(value)).padStart(digits + 1, "0");
  const sign = value < 0 ? "-" : "";
  return sign + (digits ? `${size.slice(0, -digits)}.${size.slice(-digits)}` : size);
}
