// Numbers and dates as the shopper's language writes them.

import { kiosk } from "./state.js";

export const number = (value) => value.toLocaleString(kiosk().language);

// `day` is YYYY-MM-DD or a moment; a day has no zone and must not be moved by one.
export function date(day) {
  const isDay = day.length === 10;
  const at = new Date(isDay ? `${day}T12:00:00Z` : day);
  const timeZone = isDay ? "UTC" : kiosk().shop.time_zone;
  return at.toLocaleDateString(kiosk().language, { day: "numeric", month: "long", year: "numeric", timeZone });
}

export const ofLanguage = (texts) => texts[kiosk().language] ?? texts.en ?? Object.values(texts)[0] ?? "";
