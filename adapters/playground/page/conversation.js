// A log with its message box: the middle of the page, and the thread beside it.

import { Composer } from "./composer.js";
import { h } from "./dom.js";
import { Log } from "./log.js";
import { placeOf } from "./store.js";
import { watchDropping } from "./tray.js";

export class Conversation {
  constructor(element, store, actions, { id, inThread }) {
    Object.assign(this, { element, store, actions });
    this.log = new Log(store, actions, {
      inThread,
      label: inThread ? "Messages in the thread" : "Messages in the channel",
    });
    this.composer = new Composer(store, actions, { id, label: inThread ? "Reply in the thread" : "Message" });
    this.typing = h("div", { class: "typing" });
    element.append(
      this.log.scroller,
      h("div", { class: "foot" }, this.log.latest, this.typing, this.composer.element),
    );
    watchDropping(element, this.composer.tray);
    store.listen((change) => this.#changed(change));
  }

  /**
   * What is written goes to the new place at once, and never to the one that was left; what was said there is shown
   * when it is `loaded`. False where it could not be, or when one has gone on meanwhile.
   */
  async open(channel, thread, { placeholder, empty }, loaded) {
    const { composer } = this;
    composer.open(channel, thread, placeholder);
    const there = await loaded;
    if (composer.channel !== channel || composer.thread !== thread || (thread && !there)) return false;
    this.place = placeOf(channel, thread);
    this.log.open(channel, thread, empty);
    this.#showTyping();
    return Boolean(there);
  }

  close() {
    this.place = null;
  }

  #changed(change) {
    if (!this.place) return;
    if (change.type === "typing" || change.type === "message") this.#showTyping();
    if (change.type === "person") this.log.sync();
    const root = this.log.thread && change.message?.id === this.log.thread;
    if (change.place === this.place || root) this.log.sync();
  }

  #showTyping() {
    const typing = this.store.typing.get(this.place);
    if (Boolean(typing) === this.typing.hasChildNodes()) return;
    if (!typing) this.typing.replaceChildren();
    else
      this.typing.replaceChildren(
        h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
        `${this.store.person(typing.person).name} is typing…`,
      );
  }
}
