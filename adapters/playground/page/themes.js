// The switch between the system's colours, light and dark.

import { byId, rove } from "./dom.js";
import { remember } from "./memory.js";

export function watchThemes() {
  const group = byId("themes");
  const buttons = [...group.querySelectorAll("button")];
  const show = () => {
    const now = document.documentElement.dataset.theme ?? "";
    for (const button of buttons) {
      const on = button.dataset.theme === now;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  };
  const choose = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    remember("theme", theme);
    show();
  };
  rove(group, () => buttons, "horizontal");
  // As with any group of radio buttons, the arrows choose.
  group.addEventListener(
    "focusin",
    (event) => event.target.matches(":focus-visible") && choose(event.target.dataset.theme),
  );
  for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.theme));
  show();
}
