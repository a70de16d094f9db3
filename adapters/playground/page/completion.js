// Completing mentions and commands while one writes: a list above the message box, worked by keyboard or
// mouse.

import { avatar, h } from "./dom.js";

const MOST = 8;
let lists = 0;

export class Completion {
  constructor(store, input) {
    Object.assign(this, { store, input, options: [], chosen: 0, from: 0 });
    this.id = `options-${++lists}`;
    this.title = h("div", { class: "options-title", id: `${this.id}-title` });
    this.list = h("div", { role: "listbox", id: this.id, "aria-labelledby": `${this.id}-title` });
    this.element = h("div", { class: "options", hidden: true }, this.title, this.list);
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-haspopup", "listbox");
  }

  get open() {
    return !this.element.hidden;
  }

  /** Look at what stands before the caret. */
  look() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const command = /^\/([a-z]*)$/i.exec(before);
    const mention = /(?:^|[\s(])@([^@\n]{0,40})$/.exec(before);
    if (command) this.#show("Commands", 0, this.#commands(command[1]));
    else if (mention) this.#show("People", before.length - mention[1].length - 1, this.#people(mention[1]));
    else this.close();
  }

  close() {
    this.element.hidden = true;
    this.options = [];
    this.input.removeAttribute("aria-activedescendant");
    this.input.removeAttribute("aria-controls");
  }

  /** Take a key, when the list is open and the key is its own. */
  takes(event) {
    if (!this.open) return false;
    if (event.key === "ArrowDown") this.#choose((this.chosen + 1) % this.options.length);
    else if (event.key === "ArrowUp")
      this.#choose((this.chosen + this.options.length - 1) % this.options.length);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" && !event.shiftKey) this.#insert(this.options[this.chosen]);
    else if (event.key === "Enter" && !event.shiftKey) {
      const option = this.options[this.chosen];
      const written = this.input.value.trim().toLowerCase() === option.words.trim().toLowerCase();
      if (written && option.complete) {
        this.close();
        return false;
      }
      this.#insert(option);
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #commands(start) {
    return this.store.commands
      .filter((command) => command.verb.startsWith(start.toLowerCase()))
      .map((command) => ({
        words: `/${command.verb} `,
        complete: true,
        content: [h("code", {}, `/${command.verb}`), h("span", { class: "summary" }, command.summary)],
      }));
  }

  #people(start) {
    const wanted = start.toLowerCase();
    const fits = (person) =>
      person.name
        .toLowerCase()
        .split(/[\s-]+/)
        .some((word) => word.startsWith(wanted)) || person.name.toLowerCase().startsWith(wanted);
    const people = [...this.store.people.values()].filter(
      (person) => person.id !== this.store.me && fits(person),
    );
    people.sort((a, b) => b.bot - a.bot);
    return people.slice(0, MOST).map((person) => ({
      words: `@${person.name} `,
      content: [
        avatar(person, true),
        h("b", {}, person.name),
        h(
          "span",
          { class: "summary" },
          person.bot ? "answers when it is mentioned" : person.admin ? "admin" : "",
        ),
      ],
    }));
  }

  #show(title, from, options) {
    if (options.length === 0) {
      this.close();
      return;
    }
    Object.assign(this, { from, options });
    this.title.textContent = title;
    this.list.replaceChildren(
      ...options.map((option, index) =>
        h(
          "div",
          {
            role: "option",
            id: `${this.id}-${index}`,
            onmousemove: () => this.#choose(index),
            onmousedown: (event) => {
              event.preventDefault();
              this.#insert(option);
            },
          },
          ...option.content,
        ),
      ),
    );
    this.element.hidden = false;
    this.input.setAttribute("aria-controls", this.id);
    this.#choose(0);
  }

  #choose(index) {
    this.chosen = index;
    [...this.list.children].forEach((option, at) =>
      option.setAttribute("aria-selected", String(at === index)),
    );
    this.list.children[index].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", `${this.id}-${index}`);
  }

  #insert(option) {
    const caret = this.input.selectionStart;
    this.close();
    this.input.focus();
    this.input.setRangeText(option.words, this.from, caret, "end");
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
