// The box in which one writes. A draft stays with its place, over a reload too.

import { freshKey } from "./api.js";
import { Completion } from "./completion.js";
import { h, icon, iconButton } from "./dom.js";
import { recall, remember } from "./memory.js";
import { Tray } from "./tray.js";

const COMMAND = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i;

export class Composer {
  /**
   * `actions`: say(values), command(values), propose(values), editLast(), and those of the tray; each of the first two
   * returns whether it was taken.
   */
  constructor(store, actions, { id, label }) {
    Object.assign(this, { store, actions, sending: Promise.resolve() });
    this.input = h("textarea", {
      id,
      rows: "1",
      "aria-label": label,
      "aria-describedby": `${id}-hint`,
      autocomplete: "off",
      disabled: true,
    });
    this.completion = new Completion(store, this.input, (verb, argument) =>
      actions.propose({ channel: this.channel, thread: this.thread || 0, verb, argument }),
    );
    this.tray = new Tray(actions, () => {
      this.key = null;
      if (this.draft) this.#changed();
    });
    this.hint = h("span", { class: "hint", id: `${id}-hint` });
    this.button = h(
      "button",
      { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" },
      icon("send"),
    );
    this.form = h(
      "form",
      { class: "composer" },
      this.tray.element,
      this.input,
      h(
        "div",
        { class: "composer-row" },
        this.tray.picker,
        this.tray.button,
        iconButton("at", "Mention somebody", () => this.#begin("@")),
        iconButton("slash", "Commands", () => this.#begin("/")),
        this.hint,
        this.button,
      ),
    );
    this.element = h("div", {}, this.completion.element, this.form);
    this.#listen();
  }

  /** Write at this place; what was begun there is there again. */
  open(channel, thread, placeholder) {
    Object.assign(this, { channel, thread, key: null });
    this.draft = `draft ${this.store.world} ${this.store.me} ${channel}/${thread || ""}`;
    this.input.disabled = false;
    this.input.placeholder = placeholder;
    this.input.value = recall(this.draft, "sessionStorage") ?? "";
    this.completion.close();
    this.tray.open(this.draft, this.store.mostFiles);
    this.#changed();
  }

  focus() {
    this.input.focus();
  }

  #listen() {
    this.input.addEventListener("input", () => {
      this.key = null;
      this.#changed();
      this.completion.look();
    });
    this.input.addEventListener("click", () => this.completion.look());
    this.input.addEventListener("blur", () => this.completion.close());
    this.input.addEventListener("keydown", (event) => {
      if (event.isComposing || this.completion.takes(event)) return;
      if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey) {
        event.preventDefault();
        this.#send();
      } else if (event.key === "ArrowUp" && this.input.value === "" && !event.altKey) {
        if (this.actions.editLast(this.channel, this.thread)) event.preventDefault();
      }
    });
    this.input.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length === 0) return;
      event.preventDefault();
      this.tray.add(event.clipboardData.files);
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** Put the sign in front of the caret, which opens the list. */
  #begin(sign) {
    this.input.focus();
    if (sign === "/") this.input.value = "/";
    else {
      const before = this.input.value.slice(0, this.input.selectionStart);
      this.input.setRangeText(
        /(^|\s)$/.test(before) ? "@" : " @",
        before.length,
        this.input.selectionEnd,
        "end",
      );
    }
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #changed() {
    const length = this.input.value.trim().length;
    const left = this.store.most - this.input.value.length;
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
    const nothing = length === 0 && this.tray.files.length === 0;
    this.button.setAttribute("aria-disabled", String(nothing || left < 0));
    this.hint.classList.toggle("over", left < 200);
    this.hint.textContent =
      left < 200 ? `${left} characters left` : "Enter sends, Shift+Enter starts a new line";
    remember(this.draft, this.input.value, "sessionStorage");
  }

  /** One after the other, in the order they were written. */
  #send() {
    const text = this.input.value.trim();
    if ((text === "" && this.tray.files.length === 0) || text.length > this.store.most) return;
    const { channel, thread, draft } = this;
    const key = this.key ?? freshKey();
    const files = COMMAND.test(text) ? [] : this.tray.take();
    this.completion.close();
    this.#put("", null);
    const send = async () => {
      const taken = await this.#hand(text, files, { channel, thread }, key);
      if (taken) return;
      this.tray.giveBack(files, draft);
      this.#giveBack(text, key, draft);
    };
    this.sending = this.sending.then(send, send);
  }

  #hand(text, files, where, key) {
    const command = COMMAND.exec(text);
    if (!command) return this.actions.say({ ...where, text, nonce: key }, () => Tray.numbers(files));
    const [, verb, argument = ""] = command;
    return this.actions.command({ ...where, verb: verb.toLowerCase(), argument: argument.trim(), key });
  }

  /** A failed try gives the words back with their key, so that sending them again cannot say them twice. */
  #giveBack(text, key, draft) {
    if (draft !== this.draft) remember(draft, text, "sessionStorage");
    else if (this.input.value === "") this.#put(text, key);
    else this.#put(`${text}\n${this.input.value}`, null);
  }

  #put(text, key) {
    this.input.value = text;
    this.key = key;
    this.#changed();
  }
}
