// The page: puts its parts together, and knows where one is.

import { Announcer } from "./announcer.js";
import { api, freshKey } from "./api.js";
import { Conversation } from "./conversation.js";
import { ask, someDialogIsOpen } from "./dialogs.js";
import { byId, h, icon, iconButton, isTyping } from "./dom.js";
import { Feed } from "./feed.js";
import { Sidebar } from "./sidebar.js";
import { Store, placeOf } from "./store.js";
import { watchThemes } from "./themes.js";

const store = new Store();
let here = { channel: "", thread: 0 };

const actions = {
  say: (values) => attempt(async () => {
    store.put(await api.say({ as: store.me, ...values }));
    (values.thread ? side : main).log.toEnd();
  }),
  command: (values) => attempt(() => api.command({ as: store.me, ...values })),
  press: (message, button) => attempt(() => api.press({ as: store.me, message: message.id, button, key: freshKey() })),
  save: (message, text) => attempt(async () => store.put(await api.edit(message.id, { as: store.me, text }))),
  async remove(message) {
    if (!message.private) {
      byId("delete-words").textContent = message.text.length > 240 ? `${message.text.slice(0, 240)}…` : message.text;
      if (!(await ask("delete-dialog"))) return;
    }
    await attempt(() => api.remove(message.id, { as: store.me }));
    focusComposer(message.thread);
  },
  copy: (message) => copy(message.text, "Copied"),
  edit: (_message, view) => view.startEditing(),
  edited: (view) => view.article.focus(),
  editLast(channel, thread) {
    const log = thread ? side.log : main.log;
    const mine = store.shown(placeOf(channel, thread)).findLast((message) => message.author === store.me && !message.deleted);
    const view = mine && log.views.get(mine.id);
    view?.startEditing();
    return Boolean(view);
  },
  reply: (message) => go(message.channel, message.id),
  async jump(id) {
    if (!main.log.jump(id)) {
      await load(here.channel, 0, id + 1);
      if (!main.log.jump(id)) toast("That message is further up.");
    }
  },
  load: (channel, thread, before) => attempt(() => load(channel, thread, before)),
  seen,
};

const main = new Conversation(byId("conversation"), store, actions, { id: "input", inThread: false });
const side = new Conversation(byId("thread-conversation"), store, actions, { id: "thread-input", inThread: true });
const sidebar = new Sidebar(store, { speakAs, addPerson });
const announcer = new Announcer(store, byId("announcer"), (place) => [main.place, side.place].includes(place));
const feed = new Feed({ onNews: (news) => store.apply(news), onState: showConnection, onReset: () => attempt(begin) });

/** Load everything anew, as whoever speaks now, and show where one was. */
async function begin() {
  store.begin(await api.state(remembered("speaker") ?? ""));
  remember("speaker", store.me);
  await show(true);
  feed.follow(() => ({ as: store.me, world: store.world, since: store.seq }));
}

async function load(channel, thread, before = 0) {
  store.load(channel, thread, before, await api.messages({ as: store.me, channel, thread, before }));
}

/** Where the address says one is; with an unknown place, the first channel. */
function addressed() {
  const [, channel, thread] = /^#\/([^/]+)(?:\/(\d+))?$/.exec(location.hash) ?? [];
  const id = channel && decodeURIComponent(channel);
  return store.channels.has(id) ? { channel: id, thread: Number(thread ?? 0) } : { channel: sidebar.order[0].id, thread: 0 };
}

function go(channel, thread = 0) {
  location.hash = thread ? `#/${channel}/${thread}` : `#/${channel}`;
}

async function show(anew = false) {
  const before = here;
  here = addressed();
  const channel = store.channels.get(here.channel);
  const moved = anew || before.channel !== here.channel;
  document.title = `${channel.direct ? channel.name : `#${channel.name}`} · Playground`;
  sidebar.show(here.channel);
  if (moved) await showChannel(channel);
  if (moved || before.thread !== here.thread) await showThread(channel, before);
  if (moved) closeSidebar();
}

async function showChannel(channel) {
  byId("title").replaceChildren(...(channel.direct ? [channel.name] : [icon("hash"), channel.name]));
  byId("topic").textContent = channel.direct ? `Only ${store.person(store.me).name} and ${store.bot.name} are here` : channel.topic;
  await attempt(() => load(channel.id, 0));
  const placeholder = channel.direct ? `Message ${channel.name}` : `Message #${channel.name}`;
  main.open(channel.id, 0, { placeholder, empty: welcome(channel) });
  if (!here.thread) focusComposer();
}

async function showThread(channel, before) {
  const { thread } = here;
  const open = thread && (await attempt(() => load(here.channel, thread)));
  byId("thread").hidden = !open;
  if (!open) {
    side.close();
    if (before.thread && !main.log.enter(before.thread)) focusComposer();
    return;
  }
  byId("thread-where").textContent = channel.direct ? channel.name : `#${channel.name}`;
  side.open(here.channel, thread, { placeholder: "Reply…", empty: h("li") });
  side.composer.focus();
}

function welcome(channel) {
  const name = store.bot.name;
  const words = channel.direct
    ? h("p", {}, `Whatever you write here is for ${name} alone: no need to mention it.`)
    : h("p", {}, "Mention ", h("code", {}, `@${name}`), " to ask something, or write ", h("code", {}, "/"), " for its commands.");
  const title = channel.direct ? `Talk with ${name}` : `Welcome to #${channel.name}`;
  return h("li", { class: "empty" }, h("span", { class: "mark", "aria-hidden": "true" }, icon(channel.direct ? "bot" : "hash")), h("h2", {}, title), words);
}

function seen(channel, thread, id) {
  const place = placeOf(channel, thread);
  const known = store.places.get(place);
  if (known.seen >= id) return;
  known.seen = id;
  api.read({ as: store.me, channel, thread, message: id }).catch(() => (known.seen = 0));
}

async function speakAs(id) {
  remember("speaker", id);
  const direct = store.channels.get(here.channel)?.direct;
  if (direct || here.thread) history.replaceState(null, "", direct ? `#/dm-${id}` : `#/${here.channel}`);
  await attempt(begin);
  announcer.say(`You speak as ${store.person(store.me).name}.`);
}

async function addPerson() {
  const person = await ask("person-dialog", ({ name, language, admin }) => api.addPerson({ name, language, admin: admin === "on" }));
  if (person) await speakAs(person.id);
}

async function addChannel() {
  const channel = await ask("channel-dialog", (values) => api.addChannel(values));
  if (!channel) return;
  store.apply({ type: "channel", channel });
  go(channel.id);
}

/** Do something that can fail, and say so when it does. Answers whether it went well. */
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!error.code) throw error;
    toast(error.message);
    return false;
  }
}

function toast(words) {
  const line = h("div", { class: "toast" }, words);
  line.append(iconButton("close", "Dismiss", () => line.remove()));
  byId("toasts").replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    announcer.say(done);
    return true;
  } catch {
    toast("The browser does not let this page copy.");
    return false;
  }
}

async function copyCode(button) {
  const words = button.querySelector("span");
  if (!(await copy(button.closest(".code").querySelector("code").textContent.replace(/\n$/, ""), "Code copied"))) return;
  words.textContent = "Copied";
  setTimeout(() => (words.textContent = "Copy"), 1500);
}

let lostTimer = null;
/** A short break is nobody's business; a longer one is told. */
function showConnection(state) {
  clearTimeout(lostTimer);
  lostTimer = null;
  const line = byId("connection");
  if (state === "live") line.textContent = "";
  else if (!line.textContent) lostTimer = setTimeout(() => (line.textContent = "Connecting again…"), 600);
}

function focusComposer(thread = 0) {
  if (matchMedia("(width <= 760px)").matches && !thread) return;
  (thread ? side : main).composer.focus();
}

function openSidebar() {
  byId("sidebar").classList.add("shown");
  byId("scrim").hidden = false;
  byId("sidebar-open").setAttribute("aria-expanded", "true");
  byId("sidebar-close").focus();
}

function closeSidebar() {
  const back = byId("sidebar").classList.contains("shown") && byId("sidebar").contains(document.activeElement);
  byId("sidebar").classList.remove("shown");
  byId("scrim").hidden = true;
  byId("sidebar-open").setAttribute("aria-expanded", "false");
  if (back) byId("sidebar-open").focus();
}

function stepChannel(step) {
  const order = sidebar.order.map((channel) => channel.id);
  go(order[(order.indexOf(here.channel) + step + order.length) % order.length]);
}

/** The parts of the page, as F6 goes through them. */
function stepPart(step) {
  const parts = [
    { element: byId("sidebar"), focus: () => sidebar.focus() },
    { element: main.log.scroller, focus: () => main.log.focus() },
    { element: main.composer.element, focus: () => main.composer.focus() },
    { element: side.log.scroller, focus: () => side.log.focus() },
    { element: side.composer.element, focus: () => side.composer.focus() },
  ].filter(({ element }) => element.checkVisibility({ visibilityProperty: true }));
  const at = parts.findIndex(({ element }) => element.contains(document.activeElement));
  parts[(at + step + parts.length) % parts.length].focus();
}

function escape() {
  if (byId("sidebar").classList.contains("shown")) closeSidebar();
  else if (here.thread && (byId("thread").contains(document.activeElement) || !isTyping(document.activeElement))) go(here.channel);
  else main.composer.focus();
}

function shortcut(event) {
  if (someDialogIsOpen() || event.isComposing) return;
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  const plain = !altKey && !ctrlKey && !metaKey;
  let run = null;
  if (key === "F6") run = () => stepPart(shiftKey ? -1 : 1);
  else if (key === "Escape" && plain) run = escape;
  else if (key === "/" && (ctrlKey || metaKey)) run = () => ask("help-dialog");
  else if (key === "?" && plain && !isTyping(event.target)) run = () => ask("help-dialog");
  else if (altKey && !ctrlKey && !metaKey && key === "ArrowUp") run = () => stepChannel(-1);
  else if (altKey && !ctrlKey && !metaKey && key === "ArrowDown") run = () => stepChannel(1);
  else if (altKey && !ctrlKey && !metaKey && event.code === "KeyP") run = () => sidebar.openMenu();
  if (!run) return;
  event.preventDefault();
  run();
}

function remembered(key) {
  try {
    return sessionStorage.getItem(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Per tab, so that two tabs can be two people; and for the next visit. */
function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
    localStorage.setItem(key, value);
  } catch {
    // Then the next visit begins as the first person.
  }
}

watchThemes();
window.addEventListener("hashchange", () => show());
window.addEventListener("keydown", shortcut);
document.addEventListener("visibilitychange", () => [main, side].forEach((part) => part.place && part.log.sync()));
document.addEventListener("click", (event) => {
  const button = event.target.closest('[data-do="copy-code"]');
  if (button) copyCode(button);
});
byId("add-channel").addEventListener("click", addChannel);
byId("help").addEventListener("click", () => ask("help-dialog"));
byId("thread-close").addEventListener("click", () => go(here.channel));
byId("sidebar-open").addEventListener("click", openSidebar);
byId("sidebar-close").addEventListener("click", closeSidebar);
byId("scrim").addEventListener("click", closeSidebar);
store.listen(({ type }) => {
  const unread = [...store.channels.values()].filter((channel) => channel.unread && channel.id !== here.channel).length;
  if (type !== "typing" && here.channel) document.title = document.title.replace(/^(\(\d+\) )?/, unread ? `(${unread}) ` : "");
});

await (async function start() {
  while (!(await attempt(begin))) await new Promise((resolve) => setTimeout(resolve, 2000));
})();
