// The dialogs, on the browser's own <dialog>: it keeps the focus inside, closes on Escape, and gives the
// focus back.

import { byId } from "./dom.js";

/**
 * Show a dialog and wait. `submit(values)` is called with what the form holds; while it throws, its message
 * is shown and the dialog stays. Answers what `submit` gave, or null when the dialog was left.
 */
export function ask(id, submit = () => true) {
  const dialog = byId(id);
  const form = dialog.querySelector("form");
  const wrong = dialog.querySelector(".wrong");
  form.reset();
  if (wrong) wrong.textContent = "";
  return new Promise((resolve) => {
    let answer = null;
    const leave = new AbortController();
    const { signal } = leave;
    form.addEventListener(
      "submit",
      async (event) => {
        event.preventDefault();
        const values = Object.fromEntries(new FormData(form));
        try {
          answer = await submit(values);
          dialog.close();
        } catch (error) {
          if (!wrong) throw error;
          wrong.textContent = error.message;
          form.querySelector("input")?.focus();
        }
      },
      { signal },
    );
    dialog.addEventListener(
      "click",
      (event) => {
        if (event.target === dialog || event.target.closest('[data-do="cancel"]')) dialog.close();
      },
      { signal },
    );
    dialog.addEventListener(
      "close",
      () => {
        leave.abort();
        resolve(answer);
      },
      { signal },
    );
    dialog.showModal();
  });
}

export const someDialogIsOpen = () => document.querySelector("dialog[open]") !== null;
