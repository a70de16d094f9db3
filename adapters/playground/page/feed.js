// The stream of changes: it comes back by itself after a lost connection, and goes on where it was.

import { api } from "./api.js";

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5000;

export class Feed {
  /**
   * `onNews` gets each change, `onState` gets "live" or "lost", `onReset` is called when the page has to load
   * anew.
   */
  constructor({ onNews, onState, onReset }) {
    Object.assign(this, { onNews, onState, onReset });
    this.pause = FIRST_PAUSE;
    this.socket = null;
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && this.#hurry(),
    );
  }

  /** `where()` tells what the page has seen: { as, world, since }. */
  follow(where) {
    this.where = where;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.#drop();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(
      `${scheme}://${location.host}/api/events?${new URLSearchParams(this.where())}`,
    );
    this.socket = socket;
    let opened = false;
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      const news = JSON.parse(event.data);
      if (news.type === "hello") {
        opened = true;
        this.pause = FIRST_PAUSE;
        this.onState("live");
      } else if (news.type === "reset") this.onReset();
      else this.onNews(news);
    };
    socket.onclose = async () => {
      if (socket !== this.socket) return;
      this.onState("lost");
      if (!opened) await this.#ask();
      if (socket === this.socket) this.#later();
    };
  }

  /**
   * A refused handshake does not say why; an ordinary call does, and leads to the sign-in where that is what
   * is missing.
   */
  async #ask() {
    await api.state(this.where().as).catch(() => null);
  }

  #later() {
    this.timer = setTimeout(() => this.#connect(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  #hurry() {
    if (this.timer) this.#connect();
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
