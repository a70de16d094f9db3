// Times, as the reader's own country writes them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export const timeOf = (iso) => clock.format(new Date(iso));

export const fullTime = (iso) => full.format(new Date(iso));

export const dayKey = (iso) => new Date(iso).toDateString();

export function dayName(iso) {
  const day = new Date(iso);
  const now = new Date();
  const days = Math.round((startOf(now) - startOf(day)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (day.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(day);
}

const startOf = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
