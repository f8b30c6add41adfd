// Sets the theme before the first paint; runs in the head. Choices: light, dark, auto.
(() => {
  "use strict";
  const KEY = "slipway-theme";
  const YEAR_SECONDS = 31536000;
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function choice() {
    try {
      return localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto";
    }
  }

  function apply() {
    const chosen = choice();
    const theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    root.dataset.themeChoice = chosen;
    root.dataset.bsTheme = theme;
    document.cookie = `slipway_theme=${theme};path=/;max-age=${YEAR_SECONDS};samesite=lax`;
    root.dispatchEvent(new CustomEvent("slipway:theme"));
  }

  window.slipwayTheme = {
    choice,
    choose(next) {
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // A browser that keeps nothing follows the system.
      }
      apply();
    },
  };
  dark.addEventListener("change", apply);
  root.classList.add("script");
  apply();
})();
