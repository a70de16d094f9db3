// Completing mentions and commands while one writes: a list above the message box, worked by keyboard or
// mouse.

import { avatar, h } from "./dom.js";

const MOST = 8;
let lists = 0;

export class Completion {
  /** `propose(verb, argument)` answers what the argument could become. */
  constructor(store, input, propose) {
    Object.assign(this, { store, input, propose, options: [], chosen: 0, from: 0, looks: 0 });
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
    const argument = /^\/([a-z]+) +([^\n]*)$/i.exec(before);
    const look = ++this.looks;
    const mention = /(?:^|[\s(])@([^@\n]{0,40})$/.exec(before);
    if (command) this.#show("Commands", 0, this.#commands(command[1]));
    else if (mention) this.#show("People", before.length - mention[1].length - 1, this.#people(mention[1]));
    else if (argument && this.#takesWords(argument[1])) this.#arguments(look, argument[1], argument[2]);
    else this.close();
  }

  close() {
    this.element.hidden = true;
    this.looks++;
    this.options = [];
    this.input.removeAttribute("aria-activedescendant");
    this.input.removeAttribute("aria-controls");
  }

  /** Take a key, when the list is open and the key is its own. */
  takes(event) {
    if (!this.open) return false;
    if (event.key === "ArrowDown") this.#choose((this.chosen + 1) % this.options.length);
    else if (event.key === "ArrowUp") this.#choose((this.chosen > 0 ? this.chosen : this.options.length) - 1);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" && !event.shiftKey) this.#insert(this.options[Math.max(0, this.chosen)]);
    else if (event.key === "Enter" && this.chosen < 0) return this.close(), false;
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

  #takesWords(verb) {
    return this.store.commands.some((command) => command.verb === verb.toLowerCase() && command.words > 0);
  }

  /** None is chosen until one is asked for, since a command may be sent without them. */
  async #arguments(look, verb, typed) {
    const found = await this.propose(verb.toLowerCase(), typed).catch(() => []);
    if (look !== this.looks) return;
    const from = this.input.value.slice(0, this.input.selectionStart).length - typed.length;
    const options = found
      .filter((argument) => argument !== typed.trim())
      .map((argument) => ({ words: `${argument} `, content: [h("code", {}, argument)] }));
    this.#show("What it takes", from, options, -1);
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

  #show(title, from, options, chosen = 0) {
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
    this.#choose(chosen);
  }

  #choose(index) {
    this.chosen = index;
    [...this.list.children].forEach((option, at) =>
      option.setAttribute("aria-selected", String(at === index)),
    );
    this.list.children[Math.max(0, index)].scrollIntoView({ block: "nearest" });
    if (index < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `${this.id}-${index}`);
  }

  #insert(option) {
    const caret = this.input.selectionStart;
    this.close();
    this.input.focus();
    this.input.setRangeText(option.words, this.from, caret, "end");
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
