// Tables and lists of bars, made of what the server tells.

import { h } from "/assets/dom.js";
import { age, brief, cost, count, hitRate, percent, seconds, tokens } from "./format.js";

/** `columns` are `[title, cell of a row, is a number]`. */
function table(caption, columns, rows) {
  const cells = (row) =>
    columns.map(([, cell, number], index) =>
      h(index ? "td" : "th", { class: number ? "number" : null, scope: index ? null : "row" }, cell(row)),
    );
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      {},
      h("tr", {}, ...columns.map(([title, , number]) => h("th", { scope: "col", class: number ? "number" : null }, title))),
    ),
    h("tbody", {}, ...rows.map((row) => h("tr", { class: row.state ?? (row.rest ? "rest" : null) }, ...cells(row)))),
  );
}

function share(value, most) {
  const bar = h("span", { class: "share", "aria-hidden": "true" }, h("span"));
  bar.firstChild.style.width = `${most > 0 ? (100 * value) / most : 0}%`;
  return bar;
}

/** What is compared: dollars where any are known, else tokens. */
const weight = (rows) => (rows.some((row) => row.usd !== null) ? (row) => Number(row.usd ?? 0) : tokens);

export function usageTable(caption, first, rows) {
  const heavy = weight(rows);
  const most = Math.max(0, ...rows.filter((row) => !row.rest).map(heavy));
  const judged = rows.some((row) => row.good_answers || row.bad_answers);
  return table(
    caption,
    [
      [first, (row) => h("span", { class: "name" }, h("span", { title: row.name }, row.name), row.rest ? null : share(heavy(row), most))],
      ["Calls", (row) => count(row.calls), true],
      ["Tokens", (row) => h("span", { title: count(tokens(row)) }, brief(tokens(row))), true],
      ["Cached", (row) => percent(hitRate(row)), true],
      ["Cost", (row) => cost(row), true],
      ...(judged ? [["Liked / not", (row) => `${count(row.good_answers)} / ${count(row.bad_answers)}`, true]] : []),
    ],
    rows,
  );
}

export function dayTable(rows) {
  return table(
    "Use by day",
    [
      ["Day (UTC)", (row) => row.name],
      ["Calls", (row) => count(row.calls), true],
      ["Tokens", (row) => count(tokens(row)), true],
      ["Cached", (row) => percent(hitRate(row)), true],
      ["Cost", (row) => cost(row), true],
    ],
    rows,
  );
}

export function turnTable(rows) {
  return table(
    "Turns that wait, run, or failed in the last day",
    [
      ["Turn", (row) => String(row.turn)],
      ["State", (row) => h("span", { class: `state ${row.state}` }, row.state)],
      ["Where", (row) => row.place],
      ["Age", (row) => age(row.age), true],
      ["Attempts", (row) => String(row.attempts), true],
      ["Answered by", (row) => row.owner || "–"],
      ["Error", (row) => (row.error ? `${row.error} (reference ${row.reference})` : "–")],
    ],
    rows,
  );
}

/** A list of `[name, number]` with a bar each. */
export function barList(pairs, nothing) {
  const all = pairs.reduce((sum, [, value]) => sum + value, 0);
  if (!all) return h("p", { class: "soft" }, nothing);
  const most = Math.max(...pairs.map(([, value]) => value));
  return h(
    "ul",
    { class: "bars" },
    ...pairs.map(([name, value]) =>
      h(
        "li",
        {},
        h("span", { class: "bar-name" }, name),
        share(value, most),
        h("span", { class: "number" }, count(value), h("small", {}, ` ${percent(value / all)}`)),
      ),
    ),
  );
}

export function paceName(index, paces) {
  const [most] = paces[index];
  return most === null ? `more than ${seconds(paces[index - 1][0])}` : `up to ${seconds(most)}`;
}

/** The step that so great a part of all calls does not pass. */
export function withinPace(paces, part) {
  const all = paces.reduce((sum, [, calls]) => sum + calls, 0);
  if (!all) return "–";
  let sum = 0;
  const index = paces.findIndex(([, calls]) => (sum += calls) >= all * part);
  const [most] = paces[index];
  return most === null ? `> ${seconds(paces[index - 1][0])}` : `≤ ${seconds(most)}`;
}
