// In a narrow window the list of channels is a drawer.

import { byId } from "./dom.js";

const isOpen = () => byId("sidebar").classList.contains("shown");

function set(open) {
  byId("sidebar").classList.toggle("shown", open);
  byId("scrim").hidden = !open;
  byId("sidebar-open").setAttribute("aria-expanded", String(open));
}

function open() {
  set(true);
  byId("sidebar-close").focus();
}

/** Answers whether it was open. */
export function closeDrawer() {
  if (!isOpen()) return false;
  const back = byId("sidebar").contains(document.activeElement);
  set(false);
  if (back) byId("sidebar-open").focus();
  return true;
}

export function watchDrawer() {
  byId("sidebar-open").addEventListener("click", open);
  byId("sidebar-close").addEventListener("click", closeDrawer);
  byId("scrim").addEventListener("click", closeDrawer);
}
