// Sliders beside the figures of a what-if, and printing. Without it the fields and the browser do.
(() => {
  "use strict";
  const STEPS = 200;

  function valueAt(slide) {
    const { least, most } = slide.dataset;
    const share = Number(slide.value) / STEPS;
    const [low, high] = [Number(least), Number(most)];
    const value = "log" in slide.dataset ? low * (high / low) ** share : low + (high - low) * share;
    if ("whole" in slide.dataset) return String(Math.max(1, Math.round(value)));
    return String("log" in slide.dataset ? Number(value.toPrecision(3)) : Math.round(value * 2) / 2);
  }

  function stepOf(slide, value) {
    const [low, high] = [Number(slide.dataset.least), Number(slide.dataset.most)];
    const share = "log" in slide.dataset ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return Math.round(Math.min(1, Math.max(0, share)) * STEPS);
  }

  function say(slide, text) {
    slide.setAttribute("aria-valuetext", `${text || "not set"} ${text ? slide.dataset.unit : ""}`.trim());
  }

  function follow(slide) {
    const text = document.getElementById(slide.dataset.slides).value.replaceAll(",", "").trim();
    const value = Number(text);
    if (!Number.isFinite(value)) return;
    if (text !== "" || !("log" in slide.dataset)) slide.value = stepOf(slide, value);
    say(slide, text);
  }

  document.addEventListener("input", (event) => {
    const slide = event.target;
    if (slide.matches?.("[data-slides]")) {
      const text = valueAt(slide);
      document.getElementById(slide.dataset.slides).value = text;
      say(slide, text);
    } else if (slide.id) {
      const beside = document.querySelector(`[data-slides="${CSS.escape(slide.id)}"]`);
      if (beside) follow(beside);
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-slides]").forEach(follow));
})();
