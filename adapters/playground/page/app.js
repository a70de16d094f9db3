// The page: puts its parts together, and knows where one is.

import { Announcer } from "./announcer.js";
import { api, freshKey } from "./api.js";
import { Conversation } from "./conversation.js";
import { ask } from "./dialogs.js";
import { byId, h, icon, isTyping } from "./dom.js";
import { closeDrawer, watchDrawer } from "./drawer.js";
import { Feed } from "./feed.js";
import { recall, remember } from "./memory.js";
import { watchShortcuts } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { Store, placeOf } from "./store.js";
import { attempt, copy, toast, watchCopying } from "./tell.js";
import { watchThemes } from "./themes.js";

const store = new Store();
let here = { channel: "", thread: 0 };

const actions = {
  say: (values, uploaded) =>
    attempt(async () => {
      const as = store.me;
      store.put(await api.say({ as, ...values, files: await uploaded() }));
      (values.thread ? side : main).log.toEnd();
    }),
  command: (values) => attempt(() => api.command({ as: store.me, ...values })),
  upload: (file) => api.upload(store.me, file),
  discard: (id) => attempt(() => api.discard(store.me, id)),
  refuse: toast,
  announce: (words) => announcer.say(words),
  propose: (values) => api.propose({ as: store.me, ...values }),
  press: (message, button) =>
    attempt(() => api.press({ as: store.me, message: message.id, button, key: freshKey() })),
  save: (message, text) => attempt(async () => store.put(await api.edit(message.id, { as: store.me, text }))),
  async remove(message) {
    if (!message.private) {
      byId("delete-words").textContent =
        message.text.length > 240 ? `${message.text.slice(0, 240)}…` : message.text;
      if (!(await ask("delete-dialog"))) return;
    }
    await attempt(() => api.remove(message.id, { as: store.me }));
    focusComposer(message.thread);
  },
  async copy(message) {
    if (await copy(message.text)) announcer.say("Copied");
  },
  edit: (_message, view) => view.startEditing(),
  edited: (view) => view.article.focus(),
  editLast(channel, thread) {
    const log = thread ? side.log : main.log;
    const mine = store
      .shown(placeOf(channel, thread))
      .findLast((message) => message.author === store.me && !message.deleted);
    const view = mine && log.views.get(mine.id);
    view?.startEditing();
    return Boolean(view);
  },
  reply: (message) => go(message.channel, message.id),
  async jump(id) {
    const place = () => store.places.get(here.channel);
    for (let pages = 0; pages < 10 && place().more && place().first > id; pages += 1) {
      if (!(await attempt(() => load(here.channel, 0, place().first)))) return;
    }
    if (!main.log.jump(id)) toast("That message is too far up, or no longer there.");
  },
  load: (channel, thread, before) => attempt(() => load(channel, thread, before)),
  seen,
};

const main = new Conversation(byId("conversation"), store, actions, { id: "input", inThread: false });
const side = new Conversation(byId("thread-conversation"), store, actions, {
  id: "thread-input",
  inThread: true,
});
const sidebar = new Sidebar(store, { speakAs, addPerson });
const announcer = new Announcer(store, byId("announcer"), (place) =>
  [main.place, side.place].includes(place),
);
const feed = new Feed({
  onNews: (news) => store.apply(news),
  onState: showConnection,
  onReset: () => attempt(begin),
});

/** Load everything anew, as whoever speaks now, and show where one was. */
async function begin() {
  store.begin(await api.state(speaker()));
  rememberSpeaker(store.me);
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
  return store.channels.has(id)
    ? { channel: id, thread: Number(thread ?? 0) }
    : { channel: sidebar.order[0].id, thread: 0 };
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
  if (moved) closeDrawer();
}

async function showChannel(channel) {
  byId("title").replaceChildren(...(channel.direct ? [channel.name] : [icon("hash"), channel.name]));
  byId("topic").textContent = channel.direct
    ? `Only ${store.person(store.me).name} and ${store.bot.name} are here`
    : channel.topic;
  const focused = document.activeElement;
  const placeholder = channel.direct ? `Message ${channel.name}` : `Message #${channel.name}`;
  const loaded = attempt(() => load(channel.id, 0));
  await main.open(channel.id, 0, { placeholder, empty: welcome(channel) }, loaded);
  // Whoever has gone elsewhere while it loaded, to a menu perhaps, is left there.
  const stayed = [focused, document.body, null].includes(document.activeElement);
  if (!here.thread && stayed) focusComposer();
}

async function showThread(channel, before) {
  const { thread } = here;
  const loaded = thread && attempt(() => load(here.channel, thread));
  const open = thread && (await side.open(here.channel, thread, { placeholder: "Reply…", empty: h("li") }, loaded));
  if (here.thread !== thread) return;
  byId("thread").hidden = !open;
  if (!open) {
    side.close();
    if (before.thread && !main.log.enter(before.thread)) focusComposer();
    return;
  }
  byId("thread-where").textContent = channel.direct ? channel.name : `#${channel.name}`;
  side.composer.focus();
}

function welcome(channel) {
  const name = store.bot.name;
  const words = channel.direct
    ? h("p", {}, `Whatever you write here is for ${name} alone: no need to mention it.`)
    : h(
        "p",
        {},
        "Mention ",
        h("code", {}, `@${name}`),
        " to ask something, or write ",
        h("code", {}, "/"),
        " for its commands.",
      );
  const title = channel.direct ? `Talk with ${name}` : `Welcome to #${channel.name}`;
  return h(
    "li",
    { class: "empty" },
    h("span", { class: "mark", "aria-hidden": "true" }, icon(channel.direct ? "bot" : "hash")),
    h("h2", {}, title),
    words,
  );
}

function seen(channel, thread, id) {
  const place = placeOf(channel, thread);
  const known = store.places.get(place);
  if (known.seen >= id) return;
  known.seen = id;
  api.read({ as: store.me, channel, thread, message: id }).catch(() => (known.seen = 0));
}

async function speakAs(id) {
  rememberSpeaker(id);
  const direct = store.channels.get(here.channel)?.direct;
  if (direct || here.thread) history.replaceState(null, "", direct ? `#/dm-${id}` : `#/${here.channel}`);
  await attempt(begin);
  announcer.say(`You speak as ${store.person(store.me).name}.`);
}

async function addPerson() {
  const person = await ask("person-dialog", ({ name, language, admin }) =>
    api.addPerson({ name, language, admin: admin === "on" }),
  );
  if (person) await speakAs(person.id);
}

async function addChannel() {
  const channel = await ask("channel-dialog", (values) => api.addChannel(values));
  if (!channel) return;
  store.apply({ type: "channel", channel });
  go(channel.id);
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
  if (closeDrawer()) return;
  if (here.thread && (byId("thread").contains(document.activeElement) || !isTyping(document.activeElement)))
    go(here.channel);
  else main.composer.focus();
}

/** Per tab, so that two tabs can be two people; and for the next visit. */
function rememberSpeaker(id) {
  remember("speaker", id, "sessionStorage");
  remember("speaker", id);
}

const speaker = () => recall("speaker", "sessionStorage") ?? recall("speaker") ?? "";

watchThemes();
watchDrawer();
watchCopying(announcer);
window.addEventListener("hashchange", () => show());
watchShortcuts({ part: stepPart, channel: stepChannel, speakers: () => sidebar.openMenu(), escape });
document.addEventListener("visibilitychange", () =>
  [main, side].forEach((part) => part.place && part.log.sync()),
);
byId("add-channel").addEventListener("click", addChannel);
byId("help").addEventListener("click", () => ask("help-dialog"));
byId("thread-close").addEventListener("click", () => go(here.channel));
store.listen(({ type }) => {
  const unread = [...store.channels.values()].filter(
    (channel) => channel.unread && channel.id !== here.channel,
  ).length;
  if (type !== "typing" && here.channel)
    document.title = document.title.replace(/^(\(\d+\) )?/, unread ? `(${unread}) ` : "");
});

await (async function start() {
  while (!(await attempt(begin))) await new Promise((resolve) => setTimeout(resolve, 2000));
})();
