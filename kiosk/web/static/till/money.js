// Money as whole minor units, quantities as whole thousandths. No floating point between what is typed and what is sent:
// text is read digit by digit, and Intl gets decimal text, not a number.

let terms = { currency: "EUR", digits: 2, locale: "en", step: 1 };
let formatter = null;

export function setMoneyTerms(shop) {
  terms = {
    currency: shop.currency,
    digits: shop.currency_digits,
    locale: shop.locale,
    step: shop.cash_rounding_step_minor,
    timeZone: shop.time_zone,
  };
  formatter = new Intl.NumberFormat(terms.locale, {
    style: "currency",
    currency: terms.currency,
    minimumFractionDigits: terms.digits,
    maximumFractionDigits: terms.digits,
  });
}

export const moneyTerms = () => terms;

function decimalText(value, digits) {
  const size = String(Math.abs(value)).padStart(digits + 1, "0");
  const sign = value < 0 ? "-" : "";
  return sign + (digits ? `${size.slice(0, -digits)}.${size.slice(-digits)}` : size);
}

export function money(minor) {
  return formatter ? formatter.format(decimalText(minor, terms.digits)) : decimalText(minor, terms.digits);
}

// The same without the currency, for columns in which every row has it.
export function amount(minor) {
  return Intl.NumberFormat(terms.locale, { minimumFractionDigits: terms.digits }).format(
    decimalText(minor, terms.digits),
  );
}

// "12,5" -> 1250 with two digits; null for what is no amount. A comma and a point both separate the decimals.
export function parseAmount(text) {
  return parseDecimal(text, terms.digits);
}

// "0,355" -> 355, "3" -> 3000; null for what is no quantity or nothing.
export function parseQuantity(text) {
  const milli = parseDecimal(text, 3);
  return milli ? milli : null;
}

function parseDecimal(text, digits) {
  const match = /^(\d{1,9})(?:[.,](\d*))?$/.exec(text.trim().replace(/[\s\u00a0\u202f]/g, ""));
  const decimals = (match?.[2] ?? "").replace(/0+$/, "");
  if (!match || decimals.length > digits) return null;
  return Number(match[1] + decimals.padEnd(digits, "0"));
}

export function quantity(milli, unit) {
  const text = Intl.NumberFormat(terms.locale, { maximumFractionDigits: 3 }).format(decimalText(milli, 3));
  return unit && unit !== "piece" ? `${text} ${unit}` : text;
}

export const wholeNumber = (value) => Intl.NumberFormat(terms.locale).format(value);
