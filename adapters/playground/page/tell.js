// Telling people how it went.

import { byId, h, iconButton } from "./dom.js";

const WHILE = 8000;

/** Do something that can fail, and say so when it does. Answers whether it went well. */
export async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!error.code) throw error;
    toast(error.message);
    return false;
  }
}

export function toast(words) {
  const line = h("div", { class: "toast" }, words);
  line.append(iconButton("close", "Dismiss", () => line.remove()));
  byId("toasts").replaceChildren(line);
  setTimeout(() => line.remove(), WHILE);
}

/** Answers whether the browser let us. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    toast("The browser does not let this page copy.");
    return false;
  }
}

/** Code has a button to copy it, and the button says that it did. */
export function watchCopying(announcer) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest('[data-do="copy-code"]');
    if (!button) return;
    const code = button.closest(".code").querySelector("code").textContent.replace(/\n$/, "");
    if (!(await copy(code))) return;
    const words = button.querySelector("span");
    words.textContent = "Copied";
    setTimeout(() => (words.textContent = "Copy"), 1500);
    announcer.say("Code copied");
  });
}
