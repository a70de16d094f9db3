// Files that wait in the message box: they are sent to the server as soon as they are chosen, and said with the next
// message. Each place has its own.

import { ApiError } from "./api.js";
import { h, icon, iconButton } from "./dom.js";

export class Tray {
  /**
   * `actions`: upload(file), which answers what the server calls it; discard(id); refuse(words); announce(words).
   * `changed` is called whenever the files are others, or their state is.
   */
  constructor(actions, changed) {
    Object.assign(this, { actions, changed, places: new Map() });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1" });
    this.picker.addEventListener("change", () => {
      this.add(this.picker.files);
      this.picker.value = "";
    });
    this.button = iconButton("clip", "Attach files", () => this.picker.click());
    this.element = h("ul", { class: "tray", "aria-label": "Files to send", hidden: true });
  }

  /** The files of this place. */
  open(place, most) {
    Object.assign(this, { place, most });
    this.#show();
  }

  get files() {
    return this.places.get(this.place) ?? [];
  }

  add(files) {
    const room = this.most - this.files.length;
    if (files.length > room) this.actions.refuse(`A message has at most ${this.most} files.`);
    for (const file of [...files].slice(0, room)) this.#begin(file, this.place);
    if (files.length > 0 && room > 0) this.actions.announce("Attached");
  }

  /** Take them out, to be said. */
  take() {
    const { files } = this;
    this.places.delete(this.place);
    this.#show();
    return files;
  }

  /** They could not be said: they wait again where they were. */
  giveBack(files, place) {
    if (files.length === 0) return;
    this.places.set(place, [...files, ...(this.places.get(place) ?? [])]);
    this.#show();
  }

  /** What the server calls these files, once it has them all. Fails if it does not get one. */
  static async numbers(files) {
    const taken = await Promise.all(files.map((file) => file.taken));
    if (taken.includes(null)) throw new ApiError("upload", "A file did not get through. Remove it, or attach it again.");
    return taken.map(({ id }) => id);
  }

  #begin(file, place) {
    const waiting = { name: file.name, size: file.size, state: "sending" };
    waiting.taken = this.actions.upload(file).then(
      (taken) => this.#settle(waiting, "ready", taken),
      (error) => {
        this.actions.refuse(error.message);
        return this.#settle(waiting, "failed", null);
      },
    );
    this.places.set(place, [...(this.places.get(place) ?? []), waiting]);
    this.#show();
  }

  #settle(file, state, taken) {
    file.state = state;
    this.#show();
    return taken;
  }

  #remove(file) {
    const index = this.files.indexOf(file);
    this.places.set(
      this.place,
      this.files.filter((other) => other !== file),
    );
    file.taken.then((taken) => taken && this.actions.discard(taken.id));
    this.#show();
    const next = this.element.querySelectorAll("button")[Math.min(index, this.files.length - 1)];
    (next ?? this.button).focus();
    this.actions.announce(`${file.name} removed`);
  }

  #show() {
    const state = { sending: "sending…", failed: "failed" };
    this.element.replaceChildren(
      ...this.files.map((file) =>
        h(
          "li",
          { class: `waiting ${file.state}` },
          icon("file"),
          h("span", {}, file.name),
          h("small", {}, state[file.state] ?? sizeOf(file.size)),
          iconButton("close", `Remove ${file.name}`, () => this.#remove(file)),
        ),
      ),
    );
    this.element.hidden = this.files.length === 0;
    this.changed();
  }
}

/** Files may be dropped anywhere on `element`. */
export function watchDropping(element, tray) {
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (on) => element.classList.toggle("dropping", on);
  element.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    mark(true);
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) mark(false);
  });
  element.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(false);
    tray.add(event.dataTransfer.files);
  });
}

export function sizeOf(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
