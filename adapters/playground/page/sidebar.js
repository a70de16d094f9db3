// The list of channels, and who one speaks as.

import { avatar, byId, h, icon, onKeys, rove } from "./dom.js";

export class Sidebar {
  /** `actions`: open(channel), speakAs(person), addPerson(). */
  constructor(store, actions) {
    Object.assign(this, { store, actions });
    this.me = byId("me");
    this.menu = byId("speakers");
    const places = () => [...byId("places").querySelectorAll(".place")];
    rove(byId("places"), places);
    rove(this.menu, () => [...this.menu.querySelectorAll("button")]);
    onKeys(this.menu, { Escape: () => this.#closeMenu(true), Tab: () => (this.#closeMenu(), false) });
    this.me.addEventListener("click", () => (this.menu.hidden ? this.openMenu() : this.#closeMenu()));
    onKeys(this.me, { ArrowUp: () => this.openMenu(), ArrowDown: () => this.openMenu() });
    document.addEventListener("pointerdown", (event) => {
      if (!this.menu.hidden && !event.target.closest("#speakers, #me")) this.#closeMenu();
    });
    store.listen((change) => this.#changed(change));
  }

  /** The channels in the order they are shown. */
  get order() {
    const all = [...this.store.channels.values()];
    return [...all.filter((channel) => !channel.direct), ...all.filter((channel) => channel.direct)];
  }

  show(current) {
    this.current = current;
    this.#render();
  }

  focus() {
    byId("places").querySelector('.place[tabindex="0"]')?.focus();
  }

  openMenu() {
    const people = [...this.store.people.values()].filter((person) => !person.bot);
    this.menu.replaceChildren(
      ...people.map((person) => {
        const mine = person.id === this.store.me;
        return h(
          "button",
          {
            type: "button",
            role: "menuitemradio",
            "aria-checked": String(mine),
            tabindex: mine ? "0" : "-1",
            onclick: () => this.#speakAs(person.id),
          },
          avatar(person, true),
          h("span", { class: "grow" }, person.name),
          person.admin ? h("span", { class: "badge dull" }, "Admin") : null,
          mine ? icon("check") : null,
        );
      }),
      h("hr", { role: "separator" }),
      h(
        "button",
        { type: "button", role: "menuitem", tabindex: "-1", onclick: () => this.#addPerson() },
        icon("person"),
        h("span", { class: "grow" }, "Add a person…"),
      ),
    );
    this.menu.hidden = false;
    this.me.setAttribute("aria-expanded", "true");
    this.menu.querySelector('[aria-checked="true"]').focus();
  }

  #closeMenu(back = false) {
    this.menu.hidden = true;
    this.me.setAttribute("aria-expanded", "false");
    if (back) this.me.focus();
  }

  #speakAs(id) {
    this.#closeMenu(true);
    this.actions.speakAs(id);
  }

  #addPerson() {
    this.#closeMenu(true);
    this.actions.addPerson();
  }

  #changed(change) {
    if (change.type !== "typing") this.#render();
  }

  #render() {
    const me = this.store.people.get(this.store.me);
    if (!me) return;
    byId("brand").textContent = this.store.bot.name;
    const signature = JSON.stringify([this.current, me, [...this.store.channels.values()]]);
    if (signature === this.signature) return;
    this.signature = signature;
    const focused = document.activeElement?.dataset?.channel;
    const links = this.order.map((channel) => this.#link(channel));
    byId("channels").replaceChildren(...links.filter(({ channel }) => !channel.direct).map(({ row }) => row));
    byId("directs").replaceChildren(...links.filter(({ channel }) => channel.direct).map(({ row }) => row));
    if (focused)
      byId("places")
        .querySelector(`[data-channel="${CSS.escape(focused)}"]`)
        ?.focus();
    this.me.replaceChildren(
      avatar(me),
      h("span", { class: "me-words" }, h("small", {}, "Speaking as"), h("b", {}, me.name)),
      icon("chevron"),
    );
  }

  #link(channel) {
    const here = channel.id === this.current;
    const unread = channel.unread > 0 && !here;
    const words = channel.unread >= 100 ? "99+" : String(channel.unread);
    const row = h(
      "li",
      {},
      h(
        "a",
        {
          class: `place${unread ? " unread" : ""}`,
          href: `#/${channel.id}`,
          "data-channel": channel.id,
          tabindex: here ? "0" : "-1",
          "aria-current": here ? "page" : null,
        },
        channel.direct ? avatar(this.store.bot, true) : icon("hash"),
        h("span", { class: "place-name" }, channel.name),
        unread
          ? h(
              "span",
              { class: `count${channel.direct || channel.mentioned ? " loud" : ""}` },
              words,
              h("span", { class: "unseen" }, " unread"),
            )
          : null,
      ),
    );
    return { channel, row };
  }
}
