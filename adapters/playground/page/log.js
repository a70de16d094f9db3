// A list of messages: a channel's, or a thread's. It follows the newest message unless the reader has
// scrolled away.

import { h, icon, onKeys } from "./dom.js";
import { MessageView } from "./message.js";
import { placeOf } from "./store.js";
import { dayKey, dayName } from "./times.js";

const NEAR = 60;
const TOGETHER = 5 * 60_000;

export class Log {
  /** `actions` as for a message, and also `load(place, before)` and `seen(place, id)`. */
  constructor(store, actions, { inThread, label }) {
    Object.assign(this, { store, actions, inThread });
    this.views = new Map();
    this.dividers = new Map();
    this.list = h("ol", {});
    this.scroller = h("div", { class: "log", role: "region", "aria-label": label }, this.list);
    this.earlier = h(
      "li",
      { class: "earlier", hidden: true },
      h(
        "button",
        { type: "button", class: "plain slim", onclick: () => this.#loadEarlier() },
        "Earlier messages",
      ),
    );
    this.latest = h(
      "button",
      { type: "button", class: "latest", hidden: true, onclick: () => this.toEnd(true) },
      icon("down"),
      "Newest",
    );
    this.following = true;
    this.#watchKeys();
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.list.addEventListener("focusin", (event) => this.#setCurrent(event.target.closest(".message")));
    const sizes = new ResizeObserver(() => this.#resized());
    sizes.observe(this.scroller);
    sizes.observe(this.list);
  }

  /** Show a place from its end. `empty` is what stands there while nothing has been said. */
  open(channel, thread, empty) {
    Object.assign(this, { channel, thread, empty, place: placeOf(channel, thread) });
    this.views.clear();
    this.dividers.clear();
    this.list.replaceChildren();
    this.following = true;
    this.newFrom = undefined;
    this.sync();
  }

  /** Bring the list to what the store knows. */
  sync() {
    const known = this.store.places.get(this.place);
    if (!known?.loaded) return;
    const messages = this.store.shown(this.place);
    const root = this.thread ? this.store.messages.get(this.thread) : null;
    if (this.newFrom === undefined) this.newFrom = this.#firstNew(messages, known.read);
    const wanted = [];
    this.earlier.hidden = !known.more;
    if (known.more) wanted.push(this.earlier);
    if (root)
      wanted.push(this.#row(root, { joined: false, isRoot: true }), this.#repliesDivider(messages.length));
    this.#rows(messages, wanted);
    if (wanted.length === 0) wanted.push(this.empty);
    const focused = this.list.contains(document.activeElement);
    this.#arrange(wanted);
    for (const id of this.views.keys()) {
      if (id !== this.thread && !known.ids.has(id)) this.views.delete(id);
    }
    this.#keepCurrent();
    if (focused && !this.list.contains(document.activeElement)) this.focus();
    if (this.following) this.toEnd();
    this.#tellSeen();
  }

  toEnd(smoothly = false) {
    this.following = true;
    this.latest.hidden = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smoothly ? "smooth" : "instant" });
    this.#tellSeen();
  }

  /** Go to a message: the focus is on it. False when it is not loaded. */
  enter(id) {
    const view = this.views.get(id);
    if (!view) return false;
    this.#setCurrent(view.article);
    view.article.scrollIntoView({ block: "nearest" });
    view.article.focus({ preventScroll: true });
    return true;
  }

  /** The same, from afar: the eye is shown where it is. */
  jump(id) {
    if (!this.enter(id)) return false;
    const view = this.views.get(id);
    view.article.scrollIntoView({ block: "center" });
    view.article.classList.add("flash");
    view.article.addEventListener("animationend", () => view.article.classList.remove("flash"), {
      once: true,
    });
    return true;
  }

  focus() {
    (this.current ?? this.scroller).focus();
  }

  get current() {
    return this.list.querySelector('.message[tabindex="0"]');
  }

  #rows(messages, wanted) {
    let before = null;
    for (const message of messages) {
      const newDay = !this.thread && (!before || dayKey(before.sent_at) !== dayKey(message.sent_at));
      if (message.id === this.newFrom) wanted.push(this.#divider("new", "New", "day new"));
      if (newDay) wanted.push(this.#divider(dayKey(message.sent_at), dayName(message.sent_at), "day"));
      const joined = before !== null && !newDay && message.id !== this.newFrom && goesWith(before, message);
      wanted.push(this.#row(message, { joined }));
      before = message;
    }
  }

  #row(message, how) {
    let view = this.views.get(message.id);
    if (!view) {
      view = new MessageView(this.store, this.actions, { inThread: this.inThread });
      this.views.set(message.id, view);
    }
    view.show(message, how);
    return view.element;
  }

  #divider(key, words, kind) {
    if (!this.dividers.has(key)) this.dividers.set(key, h("li", { class: kind }, words));
    return this.dividers.get(key);
  }

  #repliesDivider(count) {
    const divider = this.#divider("replies", "", "day");
    divider.textContent = count === 0 ? "No replies yet" : count === 1 ? "1 reply" : `${count} replies`;
    return divider;
  }

  /**
   * Make the list's children the wanted ones, moving nothing that stands right (moving takes the focus away).
   */
  #arrange(wanted) {
    const keep = new Set(wanted);
    for (const child of [...this.list.children]) if (!keep.has(child)) child.remove();
    wanted.forEach((element, index) => {
      if (this.list.children[index] !== element)
        this.list.insertBefore(element, this.list.children[index] ?? null);
    });
  }

  #firstNew(messages, read) {
    return messages.find((message) => message.id > read && message.author !== this.store.me)?.id ?? 0;
  }

  #articles() {
    return [...this.list.querySelectorAll(".message")];
  }

  #setCurrent(article) {
    if (!article) return;
    for (const view of this.views.values()) {
      if (view.current !== (view.article === article)) view.current = view.article === article;
    }
  }

  /** Without the focus in it, the list is entered at its newest message. */
  #keepCurrent() {
    if (this.list.contains(document.activeElement) && this.current) return;
    this.#setCurrent(this.#articles().at(-1));
  }

  #scrolled() {
    const left = this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
    this.following = left < NEAR;
    this.latest.hidden = left < Math.max(NEAR, this.scroller.clientHeight / 2);
    if (this.following) this.#tellSeen();
  }

  #resized() {
    if (this.following) this.scroller.scrollTop = this.scroller.scrollHeight;
    for (const box of this.list.querySelectorAll("pre, .table")) {
      // What can be scrolled can be scrolled by keyboard too.
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", box.matches("pre") ? "Code" : "Table");
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      }
    }
  }

  /** The reader's place stays where it was, and the focus goes to the message that was the first. */
  async #loadEarlier() {
    const first = this.store.places.get(this.place)?.first;
    const height = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.following = false;
    await this.actions.load(this.channel, this.thread, first);
    this.scroller.scrollTop = this.scroller.scrollHeight - height;
    this.#setCurrent(this.views.get(first)?.article);
    this.current?.focus({ preventScroll: true });
  }

  #tellSeen() {
    const newest = this.store.shown(this.place).at(-1);
    if (newest && this.following && document.visibilityState === "visible") {
      this.actions.seen(this.channel, this.thread, newest.id);
    }
  }

  #watchKeys() {
    const move = (pick) => () => {
      const articles = this.#articles();
      const index = articles.indexOf(document.activeElement);
      if (index < 0) return false;
      const next = articles[Math.max(0, Math.min(articles.length - 1, pick(index, articles.length)))];
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    };
    const act = (tool) => () => {
      if (!document.activeElement.matches(".message")) return false;
      const view = this.views.get(Number(document.activeElement.dataset.id));
      return tool(view.message, view);
    };
    const permitted = (name, run) =>
      act((message, view) => {
        const button = view.tools.querySelector(`[aria-label="${name}"]`);
        return button ? run(message, view) : false;
      });
    onKeys(this.list, {
      ArrowUp: move((index) => index - 1),
      ArrowDown: move((index) => index + 1),
      Home: move(() => 0),
      End: move((_, length) => length - 1),
      t: permitted("Reply in thread", this.actions.reply),
      e: permitted("Edit", this.actions.edit),
      c: permitted("Copy the text", this.actions.copy),
      Delete: act((message, view) =>
        view.tools.querySelector('[aria-label="Delete"], [aria-label="Dismiss"]')
          ? this.actions.remove(message, view)
          : false,
      ),
    });
  }
}

/** Does the second message stand under the first one's name? */
function goesWith(first, second) {
  return (
    first.author === second.author &&
    first.private === second.private &&
    !second.private &&
    !second.reply_to &&
    !second.about &&
    !first.replies &&
    !first.deleted &&
    new Date(second.sent_at) - new Date(first.sent_at) < TOGETHER
  );
}
