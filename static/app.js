// What pages do beyond reading and forms: every part works without it, or is hidden without it.
(() => {
  "use strict";
  const DAY_MS = 86400000;
  const root = document.documentElement;
  const wordOf = { light: "light", dark: "dark", auto: "like the system" };
  const nextOf = { light: "dark", dark: "auto", auto: "light" };

  // Moments: local time, relative within a day, UTC on hover.
  const absolute = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

  function ago(milliseconds) {
    const seconds = Math.round(milliseconds / 1000);
    if (Math.abs(seconds) < 45) return seconds > 10 ? relative.format(seconds, "second") : "just now";
    if (Math.abs(seconds) < 2700) return relative.format(Math.round(seconds / 60), "minute");
    return relative.format(Math.round(seconds / 3600), "hour");
  }

  function showMoment(element) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    const apart = moment - Date.now();
    const isNear = Math.abs(apart) < DAY_MS && element.dataset.moment === "relative";
    const sameYear = moment.getFullYear() === new Date().getFullYear();
    const words = isNear ? ago(apart) : (sameYear ? short : absolute).format(moment);
    if (element.textContent !== words) element.textContent = words;
  }

  function showMoments(scope) {
    for (const element of scope.querySelectorAll("time[data-moment]")) showMoment(element);
  }

  // Theme.
  function nameTheme() {
    for (const word of document.querySelectorAll("[data-theme-word]")) {
      word.textContent = wordOf[window.slipwayTheme.choice()];
    }
  }

  // Copying.
  async function copy(button) {
    const holder = document.getElementById(button.dataset.copies);
    const code = holder.querySelector("pre") || holder;
    const words = button.querySelector("span");
    const before = words.textContent;
    try {
      await navigator.clipboard.writeText(code.textContent.trim());
      words.textContent = "Copied";
      button.classList.add("is-done");
      announce("Copied to the clipboard.");
    } catch {
      getSelection().selectAllChildren(code);
      words.textContent = "Press Ctrl-C";
    }
    setTimeout(() => {
      words.textContent = before;
      button.classList.remove("is-done");
    }, 2000);
  }

  function announce(words) {
    const region = document.getElementById("announcer") || document.body.appendChild(
      Object.assign(document.createElement("div"), { id: "announcer", className: "visually-hidden", role: "status" }),
    );
    region.setAttribute("role", "status");
    region.textContent = words;
  }

  function toast(words, kind = "info") {
    const note = document.createElement("div");
    note.className = `notice notice-${kind}`;
    const text = document.createElement("span");
    text.textContent = words;
    note.append(text);
    document.getElementById("toasts").append(note);
    setTimeout(() => note.remove(), 8000);
  }

  // Tabs made of sections, so that without a script all of them can be read.
  function makeTabs(box) {
    const parts = [...box.querySelectorAll(":scope > [data-tab]")];
    if (parts.length < 2 || box.classList.contains("has-tabs")) return;
    const list = document.createElement("div");
    list.className = "tabs";
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", box.dataset.tabs);
    const buttons = parts.map((part) => {
      const button = document.createElement("button");
      button.type = "button";
      button.id = `${part.id}-tab`;
      button.textContent = part.dataset.tab;
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", part.id);
      part.setAttribute("role", "tabpanel");
      part.setAttribute("aria-labelledby", button.id);
      list.append(button);
      return button;
    });
    function show(index) {
      parts.forEach((part, at) => {
        part.hidden = at !== index;
        buttons[at].setAttribute("aria-selected", String(at === index));
        buttons[at].tabIndex = at === index ? 0 : -1;
      });
    }
    list.addEventListener("click", (event) => {
      const index = buttons.indexOf(event.target);
      if (index >= 0) show(index);
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const index = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
      show(index);
      buttons[index].focus();
    });
    box.prepend(list);
    box.classList.add("has-tabs");
    show(0);
  }

  // Charts: their scripts are fetched by the first page that has one.
  let charts;
  function script(url) {
    return new Promise((resolve, reject) => {
      const element = Object.assign(document.createElement("script"), { src: url, onload: resolve, onerror: reject });
      document.head.append(element);
    });
  }
  async function drawCharts(scope) {
    if (!scope.querySelector("[data-chart]")) return;
    charts ??= script(root.dataset.echarts).then(() => script(root.dataset.charts));
    try {
      await charts;
    } catch {
      // Without the scripts the tables say the same.
      for (const canvas of scope.querySelectorAll("[data-chart]")) {
        canvas.hidden = true;
        canvas.closest("figure").querySelector("details").open = true;
      }
      return;
    }
    window.slipwayCharts.draw(scope);
  }

  // Fields: a sentence on leaving a field that the browser itself would refuse.
  function check(control) {
    const field = control.closest(".field");
    if (!field || !control.willValidate || field.classList.contains("has-error")) return;
    const id = `${control.id}_browser`;
    let note = document.getElementById(id);
    if (control.validity.valid) {
      note?.remove();
      control.removeAttribute("aria-invalid");
      return;
    }
    if (!note) {
      note = Object.assign(document.createElement("p"), { id, className: "field-error" });
      field.append(note);
    }
    note.textContent = control.validationMessage;
    control.setAttribute("aria-invalid", "true");
    const described = new Set((control.getAttribute("aria-describedby") || "").split(" ").filter(Boolean));
    control.setAttribute("aria-describedby", [...described.add(id)].join(" "));
  }

  function open(dialog) {
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
  }

  function dress(scope) {
    showMoments(scope);
    if (scope.matches?.("[data-tabs]")) makeTabs(scope);
    scope.querySelectorAll("[data-tabs]").forEach(makeTabs);
    scope.querySelector("[data-focus]")?.focus();
    drawCharts(scope);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, a");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (!button) return;
    const { copies, opens, closes } = button.dataset;
    if (copies) copy(button);
    // Where a button commands its dialog by itself, this would open it twice.
    if (opens && !("commandForElement" in button)) open(document.getElementById(opens));
    if (closes && !("commandForElement" in button)) document.getElementById(closes).close();
    if (button.hasAttribute("data-theme-button")) {
      window.slipwayTheme.choose(nextOf[window.slipwayTheme.choice()]);
      nameTheme();
    }
  });

  document.addEventListener("keydown", (event) => {
    const search = document.querySelector("[data-search]");
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    const asksSearch = (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey));
    if (search && asksSearch) {
      event.preventDefault();
      search.focus();
      search.select();
    }
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
  });

  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.(".field input, .field select, .field textarea") && event.target.value !== "") check(event.target);
  });
  document.addEventListener("input", (event) => {
    const control = event.target;
    if (control.dataset?.mustBe) {
      control.setCustomValidity(control.value === control.dataset.mustBe ? "" : `Type ${control.dataset.mustBe}, exactly.`);
    }
    if (document.getElementById(`${control.id}_browser`)) check(control);
  });

  // A sentence is on its way: shown when it takes longer than 300 ms (the delay is in the style).
  let asking = 0;
  function progress(change) {
    asking = Math.max(0, asking + change);
    document.getElementById("progress").classList.toggle("is-on", asking > 0);
  }
  document.addEventListener("htmx:beforeRequest", () => progress(1));
  document.addEventListener("htmx:afterRequest", () => progress(-1));

  // A refusal says itself where to show it; then its status does not matter.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Retarget")) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Retarget")) return;
    toast(`That did not work (${event.detail.xhr.status}). Nothing was changed; try again in a moment.`, "error");
  });
  document.addEventListener("htmx:sendError", (event) => {
    // A poll that fails asks again by itself.
    if (event.detail.requestConfig?.triggeringEvent?.type === "submit") toast("Slipway cannot be reached. What you typed is still here.", "error");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "refusal") event.detail.target.scrollIntoView({ block: "center" });
  });
  document.addEventListener("htmx:beforeCleanupElement", (event) => window.slipwayCharts?.dispose(event.target));
  document.addEventListener("htmx:load", (event) => dress(event.detail.elt));
  root.addEventListener("slipway:theme", () => window.slipwayCharts?.redraw());

  document.addEventListener("DOMContentLoaded", () => {
    dress(document);
    nameTheme();
    setInterval(() => showMoments(document), 30000);
  });
})();
