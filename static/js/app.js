// Small help on every page: keys that go somewhere, sheets, live parts that rest in hidden tabs.
// Nothing here decides anything; every page works without it.
(() => {
  const typing = (target) =>
    target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
  const shown = (element) => Boolean(element && element.getClientRects().length);

  const say = (sentence) => {
    const line = document.getElementById("status-line");
    if (line) line.textContent = sentence;
  };

  // ----- where to go: g and a letter -----
  let going = 0;
  const go = (key) => {
    const place = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (place) window.location.assign(place.href);
  };

  const toggleSheet = (id) => {
    window.location.hash = window.location.hash === `#${id}` ? "" : `#${id}`;
  };

  const closeSheet = () => {
    const open = document.querySelector("details.cs-confirm[open], details.cs-more[open]");
    if (open) {
      open.removeAttribute("open");
      return true;
    }
    if (document.querySelector(".cs-sheet:target")) {
      window.location.hash = "";
      return true;
    }
    return false;
  };

  const search = () => {
    const box = [...document.querySelectorAll("[data-search]")].find(shown);
    if (box) box.focus();
    return Boolean(box);
  };

  const submitAround = (target) => {
    const form = target instanceof Element && target.closest("form");
    if (!form || form.hasAttribute("data-no-submit-key")) return false;
    const button = form.querySelector("button[data-submit], button:not([type=button])");
    if (!button || button.disabled) return false;
    form.requestSubmit(button);
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape") {
      if (closeSheet()) event.preventDefault();
      else if (typing(event.target)) event.target.blur();
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (submitAround(event.target)) event.preventDefault();
      return;
    }
    if (typing(event.target) || !plain(event)) return;
    if (Date.now() - going < 1500) {
      going = 0;
      event.preventDefault();
      event.stopImmediatePropagation();
      go(event.key);
    } else if (event.key === "g") {
      going = Date.now();
    } else if (event.key === "?") {
      event.preventDefault();
      toggleSheet("keys");
    } else if (event.key === "/" && search()) {
      event.preventDefault();
    }
  }, true);

  // ----- live parts -----
  // A hidden tab asks for nothing; it asks again as soon as it is looked at.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.closest("[data-live]")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    document.querySelectorAll("[data-live]").forEach((part) => window.htmx && window.htmx.trigger(part, "look"));
  });

  const reportTrouble = () => {
    const box = document.getElementById("messages");
    if (!box || box.querySelector("[data-trouble]")) return;
    const banner = document.createElement("div");
    banner.className = "cs-banner stop";
    banner.dataset.trouble = "";
    banner.textContent = "The server did not answer. What you see may be old; nothing of yours was lost or sent twice.";
    box.append(banner);
  };
  document.addEventListener("htmx:sendError", reportTrouble);
  document.addEventListener("htmx:timeout", reportTrouble);
  document.addEventListener("htmx:afterOnLoad", () => {
    document.querySelectorAll("#messages [data-trouble]").forEach((banner) => banner.remove());
    showCountInTitle();
  });

  const showCountInTitle = () => {
    const badge = document.getElementById("inbox-count");
    const count = badge && !badge.hidden ? badge.textContent.trim() : "";
    document.title = (count ? `(${count}) ` : "") + document.title.replace(/^\([\d,]+\+?\) /, "");
  };

  // One press, one request: a form that was sent does not send again until its answer is here.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      form.dataset.sent = "yes";
      window.setTimeout(() => delete form.dataset.sent, 8000);
    }
  }, true);
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // Filters send themselves; without JavaScript their button does it.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select, [type=checkbox], [type=radio]")) form.requestSubmit();
  });

  window.countersign = { typing, plain, shown, say };
})();
