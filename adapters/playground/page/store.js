// What the page knows. Changes come from the feed and from the answers to calls; both carry the number of the
// change that made them, so that the order in which they arrive does not matter.

export const placeOf = (channel, thread) => (thread ? `${channel}/${thread}` : channel);

export class Store {
  constructor() {
    this.listeners = new Set();
    this.messages = new Map();
    this.people = new Map();
    this.channels = new Map();
    this.places = new Map();
    this.typing = new Map();
    this.commands = [];
    this.seq = 0;
  }

  /** `listener(change)` is called after every change: { type, message?, before?, place? }. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Start over with the answer of /api/state. */
  begin(state) {
    this.world = state.world;
    this.seq = state.seq;
    this.me = state.me;
    this.most = state.most;
    this.mostFiles = state.mostFiles;
    this.commands = state.commands;
    this.people = new Map(state.people.map((person) => [person.id, person]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, { ...channel, counted: 0 }]));
    this.messages.clear();
    this.places.clear();
    this.typing.clear();
    this.#tell({ type: "begin" });
  }

  get bot() {
    return [...this.people.values()].find((person) => person.bot);
  }

  person(id) {
    return this.people.get(id) ?? { id, name: id };
  }

  /** The loaded messages of a place, oldest first. */
  shown(place) {
    const known = this.places.get(place);
    if (!known) return [];
    return [...known.ids]
      .sort((a, b) => a - b)
      .filter((id) => id >= known.first)
      .map((id) => this.messages.get(id));
  }

  /** Take in a page of /api/messages: the newest one, or the one `before` a message. */
  load(channel, thread, before, page) {
    const name = placeOf(channel, thread);
    const place = this.#place(name);
    if (page.root) this.#keep(page.root);
    for (const message of page.messages) this.#keep(message);
    if (before || !place.loaded) {
      place.more = page.more;
      place.first = page.more ? page.messages[0].id : 0;
    }
    if (!before) place.read = page.read;
    place.loaded = true;
    this.#tell({ type: "loaded", place: name });
  }

  apply(news) {
    if (news.seq) this.seq = Math.max(this.seq, news.seq);
    if (news.type === "message") this.put(news.message);
    else if (news.type === "gone") this.#drop(news.id);
    else if (news.type === "person") this.people.set(news.person.id, news.person);
    else if (news.type === "channel") this.#channel(news.channel);
    else if (news.type === "read") this.#read(news.place, news.message);
    else if (news.type === "typing") this.#typing(placeOf(news.channel, news.thread), news.person);
    if (news.type !== "message" && news.type !== "gone") this.#tell({ type: news.type });
  }

  /** Take in a message as it is now. */
  put(message) {
    const before = this.messages.get(message.id);
    if (before && before.seq > message.seq) return;
    this.#keep(message);
    if (!before) this.#count(message);
    const place = placeOf(message.channel, message.thread);
    if (message.author === this.bot?.id && !message.private) this.typing.delete(place);
    this.#tell({ type: "message", message, before, place });
  }

  #keep(message) {
    this.messages.set(message.id, message);
    this.#place(placeOf(message.channel, message.thread)).ids.add(message.id);
  }

  #place(name) {
    if (!this.places.has(name))
      this.places.set(name, { ids: new Set(), first: 0, more: false, loaded: false, read: 0 });
    return this.places.get(name);
  }

  #drop(id) {
    const message = this.messages.get(id);
    if (!message) return;
    const place = placeOf(message.channel, message.thread);
    this.messages.delete(id);
    this.places.get(place)?.ids.delete(id);
    this.#tell({ type: "gone", message, place });
  }

  #channel(channel) {
    const known = this.channels.get(channel.id) ?? { read: 0, unread: 0, counted: 0 };
    this.channels.set(channel.id, { ...known, ...channel });
  }

  #count(message) {
    const channel = this.channels.get(message.channel);
    if (!channel || message.thread || message.author === this.me) return;
    if (message.id <= Math.max(channel.read, channel.counted)) return;
    channel.counted = message.id;
    channel.unread += 1;
    channel.mentioned ||= this.mentionsMe(message);
  }

  mentionsMe(message) {
    const author = this.people.get(message.author);
    return !author?.bot && message.text.toLowerCase().includes(`@${this.person(this.me).name.toLowerCase()}`);
  }

  #read(place, id) {
    const [channel, thread] = place.split("/");
    if (thread) {
      const root = this.messages.get(Number(thread));
      if (root?.unread) this.put({ ...root, unread: false });
      return;
    }
    const known = this.channels.get(channel);
    if (known) Object.assign(known, { read: Math.max(known.read, id), unread: 0, mentioned: false });
  }

  #typing(place, person) {
    clearTimeout(this.typing.get(place)?.timer);
    const timer = setTimeout(() => {
      this.typing.delete(place);
      this.#tell({ type: "typing" });
    }, 8000);
    this.typing.set(place, { person, timer });
  }

  #tell(change) {
    for (const listener of [...this.listeners]) listener(change);
  }
}
