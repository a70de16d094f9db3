// The admin page: asks the server for a period, shows it, and keeps an eye on what is being answered right now.

import { h } from "/assets/dom.js";
import { drawBars } from "./chart.js";
import { brief, cost, count, counted, daysOf, dayName, hitRate, money, percent, tokens } from "./format.js";
import { barList, dayTable, paceName, turnTable, usageTable, withinPace } from "./tables.js";

const LIVE = 3_000;
const REPORT = 60_000;
const byId = (id) => document.getElementById(id);
const choices = byId("choices");
let report = null;
let asked = 0;

async function get(path) {
  let response;
  try {
    response = await fetch(path);
  } catch {
    throw new Error("The bot can't be reached. What stands here is what was known before; the page tries again by itself.");
  }
  if (response.status === 401) location.assign("/sign-in?to=/admin");
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.message ?? `The server answered with ${response.status}.`);
  return body;
}

const troubles = new Map();

/** Tell of what goes wrong until it goes well again. */
async function watched(what, work) {
  try {
    await work();
    troubles.delete(what);
  } catch (error) {
    troubles.set(what, error.message);
  }
  const [first] = troubles.values();
  if (byId("trouble").textContent !== (first ?? "")) byId("trouble").textContent = first ?? "";
  byId("trouble").hidden = !first;
}

function query() {
  const values = new FormData(choices);
  const words = new URLSearchParams({ period: values.get("period") });
  if (values.get("of")) words.set("of", values.get("of"));
  return words;
}

async function loadReport() {
  const mine = ++asked;
  const words = query();
  document.body.classList.add("busy");
  try {
    const found = await get(`/admin/api/report?${words}`);
    if (mine !== asked) return; // somebody has chosen something else meanwhile
    report = found;
    for (const link of document.querySelectorAll("a.file")) {
      link.href = `/admin/api/report.csv?${new URLSearchParams({ by: link.dataset.by })}&${words}`;
    }
    show();
  } finally {
    if (mine === asked) document.body.classList.remove("busy");
  }
}

function show() {
  const { total, health } = report;
  const failed = Object.values(health.errors).reduce((sum, turns) => sum + turns, 0);
  const used = total.calls > 0 || failed > 0;
  byId("empty").hidden = used;
  byId("report").hidden = byId("cards").hidden = !used;
  showCards(total, health, failed);
  byId("note").hidden = !total.unpriced_calls;
  byId("note").textContent =
    `The price of ${count(total.unpriced_calls)} of ${counted(total.calls, "call")} is not known: ` +
    "costs with ≥ are at least so much. Give the price in the file REJOINDER_MODELS.";
  for (const [by, title] of [["user", "Person"], ["channel", "Channel"], ["model", "Model"]]) {
    byId(`by-${by}`).replaceChildren(usageTable(`Use by ${by}`, title, report[`by_${by}`]));
  }
  byId("paces").replaceChildren(
    barList(health.paces.map(([, calls], index) => [paceName(index, health.paces), calls]), "No call has been measured."),
  );
  byId("finishes").replaceChildren(barList(sorted(health.finishes), "No call has ended."));
  byId("errors").replaceChildren(barList(sorted(health.errors), "No turn has failed."));
  showPlaces();
  byId("chart-table").replaceChildren(dayTable(report.by_day));
  showChart();
  byId("updated").textContent = `As of ${new Date().toLocaleTimeString("en-GB")}. Days are UTC's.`;
}

const sorted = (counts) => Object.entries(counts).sort(([, one], [, other]) => other - one);

function showCards(total, health, failed) {
  const cards = [
    ["Cost", cost(total), null],
    ["Calls", brief(total.calls), count(total.calls)],
    ["Tokens", brief(tokens(total)), count(tokens(total))],
    ["Prompts from the cache", percent(hitRate(total)), null],
    ["First token, 95% of calls", withinPace(health.paces, 0.95), `half of them ${withinPace(health.paces, 0.5)}`],
    ["Failed turns", count(failed), null],
  ];
  byId("cards").replaceChildren(
    ...cards.map(([name, value, more]) => h("div", { class: "card", title: more }, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** Which installation, where there are several. */
function showPlaces() {
  if (!report.installations) return;
  const select = byId("of");
  const options = ["", ...report.installations];
  const there = [...select.options].map((option) => option.value);
  if (options.join("\n") !== there.join("\n")) {
    select.replaceChildren(...options.map((name) => h("option", { value: name }, name || "Everywhere")));
  }
  byId("of-label").hidden = report.installations.length < 2;
}

const MEASURES = {
  usd: { name: "Cost", value: (row) => Number(row.usd ?? 0), tick: (value) => money(value, value >= 10 ? 0 : undefined), words: cost },
  tokens: { name: "Tokens", value: tokens, tick: brief, words: (row) => counted(tokens(row), "token") },
  calls: { name: "Calls", value: (row) => row.calls, tick: brief, words: (row) => counted(row.calls, "call") },
  hit: {
    name: "Share of the prompts from the cache",
    value: hitRate,
    tick: percent,
    words: (row) => `${percent(hitRate(row))} from the cache`,
    ceiling: 1,
  },
};
const NOTHING = { calls: 0, prompt_tokens: 0, cached_tokens: 0, output_tokens: 0, reserved_tokens: 0, usd: "0", unpriced_calls: 0 };

function showChart() {
  const measure = MEASURES[document.querySelector("#measures input:checked").value];
  const rows = new Map(report.by_day.map((row) => [row.name, row]));
  const points = daysOf(report.since, report.days).map((day) => {
    const row = rows.get(day) ?? NOTHING;
    return { name: dayName(day), value: measure.value(row), words: measure.words(row) };
  });
  const highest = points.reduce((best, point) => ((point.value ?? 0) > (best.value ?? 0) ? point : best));
  const label =
    `${measure.name} by day, ${points[0].name} to ${points.at(-1).name}; ` +
    `most on ${highest.name}: ${highest.words}. The table below has every day.`;
  drawBars(byId("chart"), points, { label, tick: measure.tick, ceiling: measure.ceiling });
}

async function loadTurns() {
  const turns = await get("/admin/api/turns");
  const many = (state) => turns.filter((turn) => turn.state === state).length;
  const words = `${many("running")} running, ${many("waiting")} waiting, ${many("failed")} failed in the last day`;
  if (byId("live-count").textContent !== words) byId("live-count").textContent = words;
  byId("live").hidden = turns.length === 0;
  if (turns.length) byId("live").replaceChildren(turnTable(turns));
}

/** Again and again while the page is looked at. */
function keep(what, work, pause) {
  let timer = 0;
  const round = async () => {
    clearTimeout(timer);
    if (!document.hidden) await watched(what, work);
    timer = setTimeout(round, pause);
  };
  document.addEventListener("visibilitychange", () => document.hidden || round());
  round();
}

function chooseTheme() {
  const select = byId("theme");
  select.value = document.documentElement.dataset.theme ?? "";
  select.addEventListener("change", () => {
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem("theme", select.value);
    } catch {
      // Storage may be forbidden; then it is chosen for this visit.
    }
  });
}

chooseTheme();
choices.addEventListener("change", (event) => event.target.name && watched("report", loadReport));
byId("measures").addEventListener("change", () => report && showChart());
new ResizeObserver(() => report && !byId("report").hidden && showChart()).observe(byId("main"));
keep("report", loadReport, REPORT);
keep("turns", loadTurns, LIVE);
