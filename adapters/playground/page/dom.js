// Making elements. The only place that turns text into HTML: the server's rendering of a message, and nothing
// else.

const policy = window.trustedTypes?.createPolicy("playground", { createHTML: (html) => html });

/** An element: `h("p", { class: "hint", hidden: true, onclick: f, "aria-label": "…" }, "text", child)`. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A button that shows only an icon. */
export function iconButton(name, label, onclick, attributes = {}) {
  const title = attributes.title ?? label;
  return h(
    "button",
    { type: "button", class: "quiet", "aria-label": label, onclick, ...attributes, title },
    icon(name),
  );
}

export function avatar(person, small = false) {
  const classes = `avatar${small ? " small" : ""}${person?.bot ? " bot" : ""}`;
  if (person?.bot) return h("span", { class: classes, "aria-hidden": "true" }, icon("bot"));
  const name = person?.name ?? "?";
  const hue = [...(person?.id ?? "")].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 6, 1);
  const words = name.split(/[\s-]+/).filter(Boolean);
  const initials = words.length > 1 ? [...words[0]][0] + [...words.at(-1)][0] : [...name][0];
  return h("span", { class: classes, "data-hue": hue, "aria-hidden": "true" }, initials);
}

const sources = new WeakMap();

/**
 * Bring the children of `element` to what `html` says, and touch only the blocks that differ: what was
 * selected, focused or scrolled in the others stays so while an answer grows.
 */
export function patch(element, html) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  const blocks = [...template.content.children];
  blocks.forEach((block, index) => {
    const source = block.outerHTML;
    const there = element.children[index];
    if (there && sources.get(there) === source) return;
    sources.set(block, source);
    if (there) there.replaceWith(block);
    else element.append(block);
  });
  while (element.children.length > blocks.length) element.lastElementChild.remove();
}

/** Run `keys[event.key]` and keep the key from anybody else; a handler that returns false leaves it alone. */
export function onKeys(element, keys) {
  element.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const handler = keys[event.key];
    if (handler && handler(event) !== false) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
}

/** Move the focus among `items` by the arrow keys; only one of them is reached by Tab. */
export function rove(list, items, axis = "vertical") {
  const [back, forth] = axis === "vertical" ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  const go = (pick) => () => {
    const all = items();
    const index = all.indexOf(document.activeElement);
    if (index < 0) return false;
    all[Math.max(0, Math.min(all.length - 1, pick(index, all.length)))]?.focus();
  };
  onKeys(list, {
    [back]: go((index) => index - 1),
    [forth]: go((index) => index + 1),
    Home: go(() => 0),
    End: go((_, length) => length - 1),
  });
  list.addEventListener("focusin", (event) => {
    const all = items();
    if (all.includes(event.target)) for (const item of all) item.tabIndex = item === event.target ? 0 : -1;
  });
}

export const byId = (id) => document.getElementById(id);

export const isTyping = (target) => target.matches?.("input, textarea, select, [contenteditable]") ?? false;
