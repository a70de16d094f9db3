// What a screen reader says by itself. Not every piece of a growing answer: that it begins, and then the
// whole of it.

const LONGEST = 600;

export class Announcer {
  constructor(store, element, isShown) {
    Object.assign(this, { store, element, isShown });
    store.listen((change) => this.#changed(change));
  }

  say(words) {
    const line = document.createElement("p");
    line.textContent = words;
    this.element.append(line);
    while (this.element.children.length > 4) this.element.firstElementChild.remove();
  }

  #changed({ type, message, before, place }) {
    if (type !== "message" || !this.isShown(place) || message.author === this.store.me || message.deleted)
      return;
    const name = this.store.person(message.author).name;
    if (message.open) {
      if (!before) this.say(`${name} is answering.`);
    } else if (!before || before.open) {
      this.say(`${name}${message.private ? ", only visible to you" : ""}: ${plain(message.html)}`);
    }
  }
}

/** The words of the server's rendering, without the signs of Markdown. */
function plain(html) {
  const words = html
    .replace(/<button[\s\S]*?<\/button>/g, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&")
    .replace(/\s+/g, " ")
    .trim();
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}, and more` : words;
}
