// Numbers, money and times as people read them.

const numbers = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (value) => numbers.format(value);
/** So many of something: one call, two calls. */
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
export const brief = (value) => (value < 10_000 ? numbers.format(value) : short.format(value));

/** Dollars; small sums with more digits, since a call may cost a hundredth of a cent. */
export function money(value, digits) {
  const size = Math.abs(value);
  if (digits === undefined && size > 0 && size < 0.00001) return "less than $0.00001";
  const places = digits ?? (size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : 5);
  return `$${value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

/** What is known of a cost: only a lower bound where some calls have no price, and nothing where none has. */
export function cost(row) {
  if (row.usd === null) return row.calls ? "unknown" : money(0);
  return (row.unpriced_calls ? "≥ " : "") + money(Number(row.usd));
}

export const tokens = (row) => row.prompt_tokens + row.output_tokens + row.reserved_tokens;
export const hitRate = (row) => (row.prompt_tokens ? row.cached_tokens / row.prompt_tokens : null);
export const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)}%`);

export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} s`;
}

export function age(value) {
  if (value < 60) return `${value} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${value % 60} s`;
  return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
}

/** All days of a period, as the server names them. */
export function daysOf(since, many) {
  const first = Date.parse(`${since}T00:00:00Z`);
  return Array.from({ length: many }, (_, day) => new Date(first + day * 86_400_000).toISOString().slice(0, 10));
}

export function dayName(day) {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}
