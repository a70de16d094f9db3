// The keys that work everywhere. Those of a message, a list or the message box are with these.

import { ask, someDialogIsOpen } from "./dialogs.js";
import { isTyping } from "./dom.js";

/** `actions`: part(step), channel(step), speakers(), escape(). */
export function watchShortcuts(actions) {
  window.addEventListener("keydown", (event) => {
    if (event.isComposing || someDialogIsOpen()) return;
    const run = chosen(event, actions);
    if (!run) return;
    event.preventDefault();
    run();
  });
}

function chosen(event, actions) {
  const { key, code, altKey, shiftKey } = event;
  const control = event.ctrlKey || event.metaKey;
  const help = () => ask("help-dialog");
  if (key === "F6") return () => actions.part(shiftKey ? -1 : 1);
  if (control) return key === "/" && !altKey ? help : null;
  if (!altKey)
    return key === "Escape" ? actions.escape : key === "?" && !isTyping(event.target) ? help : null;
  if (key === "ArrowUp") return () => actions.channel(-1);
  if (key === "ArrowDown") return () => actions.channel(1);
  return code === "KeyP" ? actions.speakers : null;
}
