// Before anything is painted, so that nobody is dazzled by the wrong colours first.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; then the system's colours it is.
  }
})();
