// One message. It is brought up to date part by part, so that a button keeps its focus while the text above
// it grows.

import { avatar, h, icon, iconButton, onKeys, patch } from "./dom.js";
import { fullTime, timeOf } from "./times.js";
import { sizeOf } from "./tray.js";

const FOCUSABLE = "a, button";
const BUTTONS = {
  stop: { icon: "stop", label: "Stop" },
  retry: { icon: "retry", label: "Try again" },
  continue: { icon: "more", label: "Continue" },
  regenerate: { icon: "retry", label: "Regenerate" },
  up: { icon: "thumb-up", label: "Good answer", bare: true },
  down: { icon: "thumb-down", label: "Bad answer", bare: true },
  earlier: { icon: "back", label: "Earlier answer", marked: true },
  later: { icon: "forth", label: "Later answer", marked: true },
};

export class MessageView {
  /** `actions` is what can be done to a message: reply, edit, save, copy, remove, press, jump. */
  constructor(store, actions, { inThread }) {
    Object.assign(this, { store, actions, inThread });
    this.signatures = new Map();
    this.article = h("article", { class: "message", tabindex: "-1" });
    this.element = h("li", {}, this.article);
    this.quote = h("div", { hidden: true });
    this.spine = h("div", { class: "spine" });
    this.head = h("div", { class: "head" });
    this.lead = h("div", { hidden: true });
    this.body = h("div", { class: "body" });
    this.edit = h("div", { class: "edit-box", hidden: true });
    this.file = h("div", { class: "buttons", hidden: true });
    this.buttons = h("div", { class: "buttons", hidden: true });
    this.chip = h("div", { hidden: true });
    this.tools = h("div", { class: "tools", role: "toolbar", "aria-label": "What to do with the message" });
    const content = h(
      "div",
      { class: "content" },
      this.head,
      this.lead,
      this.body,
      this.edit,
      this.file,
      this.buttons,
      this.chip,
    );
    this.article.append(this.quote, this.spine, content, this.tools);
  }

  get current() {
    return this.article.tabIndex === 0;
  }

  /** Only the current message, and what is in it, is reached by Tab. */
  set current(on) {
    this.article.tabIndex = on ? 0 : -1;
    this.#arm();
  }

  show(message, { joined, isRoot = false }) {
    const store = this.store;
    const stamp = `${joined} ${isRoot} ${store.people.size}`;
    if (message === this.message && stamp === this.stamp) return;
    this.stamp = stamp;
    const focused = this.article.contains(document.activeElement);
    const author = store.person(message.author);
    this.message = message;
    this.article.id = `m${message.id}${this.inThread ? "t" : ""}`;
    this.article.dataset.id = message.id;
    this.article.className = [
      "message",
      joined && "joined",
      author.bot && "from-bot",
      message.private && "private",
      message.open && "open",
    ]
      .filter(Boolean)
      .join(" ");
    this.article.setAttribute("aria-label", this.#label(message, author));
    this.article.setAttribute("aria-busy", String(message.open));
    this.#part("quote", [message.reply_to, joined], () => this.#showQuote(message));
    this.#part("spine", [author, joined, message.sent_at], () => this.#showSpine(message, author, joined));
    this.#part("head", [author, joined, message.sent_at, message.edited], () =>
      this.#showHead(message, author, joined),
    );
    this.#part("lead", [message.private, message.about, author.name], () => this.#showLead(message));
    this.#part("body", [message.html, message.deleted], () => this.#showBody(message));
    this.#part("file", [message.file, message.attached], () => this.#showFiles(message));
    this.#part("buttons", [message.buttons], () => this.#showButtons(message));
    const chip = [message.replies, message.repliers, message.last_reply, message.unread];
    this.#part("chip", isRoot ? [] : chip, () => this.#showChip(isRoot ? { replies: 0 } : message));
    this.#part("tools", [message.private, message.deleted, this.#rights(message), isRoot], () =>
      this.#showTools(message, isRoot),
    );
    this.#arm();
    if (focused && !this.article.contains(document.activeElement)) this.article.focus();
  }

  /** Edit the message in its place. */
  startEditing() {
    const input = h("textarea", { rows: "1", "aria-label": "Edit the message", maxlength: this.store.most });
    input.value = this.message.text;
    const fit = () => {
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight + 2}px`;
    };
    const stop = () => this.#stopEditing();
    const save = async () => {
      if (await this.actions.save(this.message, input.value.trim())) stop();
    };
    input.addEventListener("input", fit);
    onKeys(input, { Escape: stop, Enter: (event) => (event.shiftKey ? false : void save()) });
    this.edit.replaceChildren(
      input,
      h(
        "p",
        {},
        h("button", { type: "button", class: "primary slim", onclick: save }, "Save"),
        h("button", { type: "button", class: "plain slim", onclick: stop }, "Cancel"),
      ),
    );
    this.body.hidden = true;
    this.edit.hidden = false;
    fit();
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
  }

  #stopEditing() {
    this.edit.hidden = true;
    this.edit.replaceChildren();
    this.body.hidden = false;
    this.actions.edited(this);
  }

  #part(name, inputs, render) {
    const signature = JSON.stringify(inputs);
    if (this.signatures.get(name) === signature) return;
    this.signatures.set(name, signature);
    render();
  }

  #label(message, author) {
    const words = message.deleted ? "deleted" : this.#plain(message);
    return [author.name, timeOf(message.sent_at), message.private ? "only visible to you" : "", words]
      .filter(Boolean)
      .join(", ");
  }

  /** The words for the message's name: short, and not renewed with every piece of a growing answer. */
  #plain(message) {
    if (message.open) return "still being written";
    const words = message.text
      .replace(/[`*_#>|]+/g, " ")
      .replace(/\s+/g, " ")
      .trim();
    return words.length > 160 ? `${words.slice(0, 160)}…` : words;
  }

  #showQuote(message) {
    const to = message.reply_to;
    if (!to || this.inThread) {
      this.quote.hidden = true;
      return;
    }
    const fresh = to.id
      ? h(
          "button",
          { type: "button", class: "quote", onclick: () => this.actions.jump(to.id) },
          icon("reply"),
          h("span", { class: "unseen" }, "In answer to "),
          h("b", {}, this.store.person(to.author).name),
          h("span", {}, to.text),
        )
      : h("div", { class: "quote" }, icon("reply"), h("span", {}, "The question was deleted"));
    this.quote.replaceWith(fresh);
    this.quote = fresh;
  }

  #showSpine(message, author, joined) {
    const time = h(
      "time",
      { datetime: message.sent_at, title: fullTime(message.sent_at) },
      timeOf(message.sent_at),
    );
    this.spine.replaceChildren(joined ? time : avatar(author));
  }

  #showHead(message, author, joined) {
    const edited = message.edited ? h("span", { class: "edited" }, "edited") : null;
    this.head.hidden = joined && !edited;
    if (joined) {
      this.head.replaceChildren(...(edited ? [edited] : []));
      return;
    }
    const badge = author.bot
      ? h("span", { class: "badge" }, "Bot")
      : author.admin
        ? h("span", { class: "badge dull" }, "Admin")
        : null;
    const time = h(
      "time",
      { datetime: message.sent_at, title: fullTime(message.sent_at) },
      timeOf(message.sent_at),
    );
    this.head.replaceChildren(...[h("b", {}, author.name), badge, time, edited].filter(Boolean));
  }

  #showLead(message) {
    const lines = [];
    if (message.private) lines.push(h("p", { class: "only-you" }, icon("eye"), "Only visible to you"));
    if (message.about)
      lines.push(
        h(
          "p",
          { class: "about" },
          message.private ? "You used " : "In answer to ",
          h("code", {}, message.about),
        ),
      );
    this.lead.replaceChildren(...lines);
    this.lead.hidden = lines.length === 0;
  }

  #showBody(message) {
    if (message.deleted) {
      this.body.replaceChildren(h("p", { class: "deleted-words" }, "This message was deleted."));
      return;
    }
    patch(this.body, message.html);
    const me = `@${this.store.person(this.store.me).name}`.toLowerCase();
    for (const mention of this.body.querySelectorAll(".mention")) {
      mention.classList.toggle("you", mention.textContent.toLowerCase() === me);
    }
  }

  #showFiles({ id, file, attached }) {
    const query = new URLSearchParams({ as: this.store.me });
    const all = [
      ...(file ? [{ ...file, path: "file", picture: file.type === "image/png" }] : []),
      ...attached.map((one) => ({ ...one, path: `attached/${one.id}` })),
    ];
    this.file.hidden = all.length === 0;
    this.file.replaceChildren(
      ...all.map(({ name, size, path, picture }) => {
        const href = `/api/messages/${id}/${path}?${query}`;
        const about = [icon("file"), h("span", {}, name), h("small", {}, sizeOf(size))];
        const link = h("a", { class: "chip", href, download: name }, ...about);
        const shown = picture && h("img", { class: file ? "picture" : "picture shared", src: href, alt: name });
        return h("div", { class: picture ? "wide" : "" }, shown, link);
      }),
    );
  }

  #showButtons(message) {
    const chips = message.buttons.map(({ id, name, mark, chosen }) => {
      const { icon: sign = "check", label = name, bare, marked } = BUTTONS[name] ?? {};
      const attributes = { type: "button", class: `chip ${name}`, onclick: () => this.actions.press(message, id) };
      if (bare) Object.assign(attributes, { "aria-pressed": String(chosen) });
      if (bare || marked) Object.assign(attributes, { "aria-label": `${label} ${mark}`.trim(), title: label });
      return h("button", attributes, icon(sign), bare ? "" : marked ? mark : label);
    });
    this.buttons.replaceChildren(...chips);
    this.buttons.hidden = chips.length === 0;
  }

  #showChip(message) {
    this.chip.hidden = !message.replies;
    if (!message.replies) return;
    const faces = message.repliers.map((id) => avatar(this.store.person(id), true));
    const words = message.replies === 1 ? "1 reply" : `${message.replies} replies`;
    this.chip.replaceChildren(
      h(
        "button",
        {
          type: "button",
          class: `replies${message.unread ? " unread" : ""}`,
          onclick: () => this.actions.reply(this.message),
        },
        h("span", { class: "faces" }, ...faces),
        h("b", {}, words),
        h("small", {}, `last at ${timeOf(message.last_reply)}`),
        message.unread ? h("span", { class: "unseen" }, "unread") : null,
      ),
    );
  }

  /** What the viewer may do with it. */
  #rights(message) {
    const mine = message.author === this.store.me;
    const remove = mine || message.private || this.store.person(this.store.me).admin;
    return { edit: mine && !message.private, remove };
  }

  #showTools(message, isRoot) {
    const rights = this.#rights(message);
    const tools = [];
    const add = (name, label, run, attributes) =>
      tools.push(iconButton(name, label, () => run(this.message, this), attributes));
    if (!message.deleted && !message.private && !this.inThread)
      add("thread", "Reply in thread", this.actions.reply, { title: "Reply in thread (T)" });
    if (!message.deleted && rights.edit) add("edit", "Edit", this.actions.edit, { title: "Edit (E)" });
    if (!message.deleted) add("copy", "Copy the text", this.actions.copy, { title: "Copy the text (C)" });
    if (!message.deleted && message.private)
      add("close", "Dismiss", this.actions.remove, { title: "Dismiss (Del)" });
    else if (!message.deleted && rights.remove && !isRoot)
      add("trash", "Delete", this.actions.remove, { title: "Delete (Del)" });
    this.tools.replaceChildren(...tools);
    this.tools.hidden = tools.length === 0;
  }

  #arm() {
    const on = this.current;
    for (const element of this.article.querySelectorAll(FOCUSABLE)) {
      if (on) element.removeAttribute("tabindex");
      else element.tabIndex = -1;
    }
  }
}
