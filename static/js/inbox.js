// The inbox by keyboard and live. The server decides and draws; this moves, opens, and tells what came.
// A key acts on the card that is shown and bound to its digest; while a card is on its way no key decides anything.
(() => {
  const { typing, plain, shown, say } = window.countersign;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const inbox = () => one("#inbox");
  const card = () => one("#card-pane");
  const rows = () => all("#rows > li.cs-item");
  const current = () => one("#rows > li[aria-current]");
  const isBusy = () => card()?.getAttribute("aria-busy") === "true";

  // ----- list and card -----
  const mark = (id) => {
    rows().forEach((row) => (row.dataset.id === id ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current")));
    current()?.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const list = rows();
    const at = list.indexOf(current());
    const next = at < 0 ? list[0] : list[at + step];
    if (!next) return;
    mark(next.dataset.id);
    one("a", next).click();
  };

  const nextId = () => {
    const list = rows();
    const at = list.indexOf(current());
    const open = (row) => row && !row.classList.contains("gone") && row !== list[at];
    return (list.slice(at + 1).find(open) || list.slice(0, Math.max(at, 0)).find(open))?.dataset.id || "";
  };

  const intoCard = () => one("#card-scroll")?.focus();
  const backToList = () => {
    inbox()?.setAttribute("data-pane", "list");
    one("a", current() || document.createElement("li"))?.focus();
  };

  // ----- the action bar and its parts -----
  const bar = () => one("#actions .cs-actions:not(.as-form)");
  const openPart = () => all("#actions .as-form[data-part]").find((part) => !part.hidden && bar());

  const showPart = (name) => {
    all("#actions .as-form[data-part]").forEach((part) => (part.hidden = part.dataset.part !== name));
    const part = one(`#actions .as-form[data-part="${name}"]`);
    if (bar()) bar().hidden = Boolean(part);
    if (!part) return;
    part.tabIndex = -1;
    (name === "reject" ? part : one("textarea", part) || part).focus({ preventScroll: true });
    part.scrollIntoView({ block: "end" });
  };

  const hideParts = () => {
    all("#actions .as-form[data-part]").forEach((part) => (part.hidden = true));
    if (bar()) bar().hidden = false;
    intoCard();
  };

  const choose = (digit) => {
    const radio = one(`#actions [data-digit="${digit}"]`);
    if (!radio || !shown(radio.closest("label"))) return false;
    radio.checked = true;
    say(radio.closest("label").textContent.trim());
    if (radio.value === "other") one("textarea", radio.closest("[data-part]")).focus();
    return true;
  };

  const press = (button) => {
    if (!button || button.disabled || isBusy() || !shown(button)) return false;
    button.click();
    return true;
  };

  const submit = () => press(one("[data-submit]", openPart() || document.createElement("p"))) || press(one("#actions [data-main]"));

  // ----- what must happen before approving -----
  const same = (typed, wanted) => {
    const bare = (text) => text.replace(/[,\s€$£]/g, "").replace(/\.0*$/, "").toLowerCase();
    return bare(typed) === bare(wanted);
  };

  const gate = () => {
    const button = one("#actions [data-main]");
    if (!button) return;
    if (button.dataset.refused === undefined) button.dataset.refused = button.disabled ? "yes" : "";
    const unopened = all("input[name=opened]").some((box) => !box.checked);
    const typed = one("#typed");
    const untyped = typed?.dataset.typed ? !same(typed.value, typed.dataset.typed) : false;
    button.disabled = Boolean(button.dataset.refused) || unopened || untyped;
    button.title = unopened ? "Open and read the folded values first." : "";
  };

  document.addEventListener("toggle", (event) => {
    const fold = event.target;
    if (!fold.matches?.("[data-must-open]") || !fold.open) return;
    const box = all("input[name=opened]").find((found) => found.value === fold.dataset.mustOpen);
    if (box) box.checked = true;
    gate();
  }, true);
  document.addEventListener("input", (event) => event.target.closest("#card-pane") && gate());

  // ----- ten seconds to undo -----
  let undoEnds = 0;
  const startUndo = () => {
    const banner = one("#undo .cs-undo");
    undoEnds = banner ? performance.now() + Number(banner.dataset.left) * 1000 : 0;
    tickUndo();
  };
  const tickUndo = () => {
    const banner = one("#undo .cs-undo");
    if (!banner) return;
    const left = (undoEnds - performance.now()) / 1000;
    if (left <= 0) {
      banner.remove();
      return;
    }
    one("[data-countdown]", banner).textContent = `in ${Math.ceil(left)} s`;
    one("rect", banner).setAttribute("width", String(left * 10));
    window.setTimeout(tickUndo, 250);
  };

  // ----- what came meanwhile: announced, never inserted -----
  const showNew = () => {
    const pill = one("#new-pill");
    if (!pill || pill.hidden) return false;
    const open = card()?.dataset.request;
    const url = pill.dataset.list + (open ? `${pill.dataset.list.includes("?") ? "&" : "?"}open=${open}` : "");
    window.htmx.ajax("GET", url, { target: "#list-pane", swap: "outerHTML" });
    return true;
  };

  const announce = (waiting) => {
    const known = new Set(rows().map((row) => row.dataset.id));
    const fresh = waiting.filter((id) => !known.has(id)).length;
    const pill = one("#new-pill");
    pill.hidden = fresh === 0;
    one("span", pill).textContent = `${fresh} new, show them`;
    const none = one(".cs-none");
    if (none && fresh) none.hidden = true;
  };

  const greyOut = (gone) => {
    const row = one(`#row-${CSS.escape(gone.dataset.id)}`);
    if (!row || row.classList.contains("gone")) return;
    row.classList.add("gone");
    one(".meta", row).replaceWith(one(".meta", gone));
    if (card()?.dataset.request === gone.dataset.id && !isBusy()) reloadCard(gone.dataset.id);
  };

  // The open card was settled by someone else: show it as it is now, unless a person is typing in it.
  const reloadCard = (id) => {
    if (typing(document.activeElement) && card().contains(document.activeElement)) return;
    window.htmx.ajax("GET", one("a", one(`#row-${CSS.escape(id)}`)).getAttribute("hx-get"), { target: "#card-pane", swap: "outerHTML" });
  };

  const learn = (live) => {
    const news = one("[data-ids]", live);
    if (!news) return;
    all("[data-gone] > li", live).forEach(greyOut);
    one("[data-gone]", live).replaceChildren();
    announce(news.dataset.ids.split(" ").filter(Boolean));
    one("#count-mine").textContent = news.dataset.mine;
    one("#count-others").textContent = news.dataset.others;
  };

  // ----- htmx -----
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "card-pane") card().setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.target?.id === "card-pane" && !event.detail.successful) card()?.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "decide") event.detail.parameters.next = nextId();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "inbox-live") learn(one("#inbox-live"));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.detail.elt || event.target;
    if (swapped?.id === "card-pane") cardArrived();
    if (swapped?.id === "list-pane") mark(card()?.dataset.request);
  });

  const cardArrived = () => {
    const pane = card();
    pane.removeAttribute("aria-busy");
    if (pane.dataset.decided) {
      one(`#row-${CSS.escape(pane.dataset.decided)}`)?.remove();
      delete pane.dataset.decided;
      startUndo();
    }
    inbox().setAttribute("data-pane", pane.dataset.request ? "card" : rows().length ? "list" : "empty");
    mark(pane.dataset.request);
    gate();
    const field = one("#arguments [form=decide]:not([type=checkbox])", pane);
    const trouble = one("#refusal", pane);
    if (trouble) trouble.scrollIntoView({ block: "nearest" });
    if (field && one("#actions").dataset.mode === "edit") (one("#arguments .is-invalid", pane) || field).focus();
    else intoCard();
  };

  // ----- links that open a part in place -----
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey) return;
    const opener = event.target.closest("[data-open]");
    const closer = event.target.closest("[data-close]");
    if (opener && one(`#actions [data-part="${opener.dataset.open}"]`)) {
      event.preventDefault();
      showPart(opener.dataset.open);
    } else if (closer && bar()) {
      event.preventDefault();
      hideParts();
    } else if (event.target.closest("#new-pill") && showNew()) {
      event.preventDefault();
    } else if (event.target.closest("[data-open-search]")) {
      event.preventDefault();
      openSearch();
    }
  });

  const openSearch = () => {
    one("#inbox-search").classList.add("open");
    one("[data-search]").focus();
  };

  const openEvidence = () => {
    all("#evidence details").forEach((fold) => (fold.open = true));
    const evidence = one("#evidence");
    evidence?.scrollIntoView({ block: "start" });
    evidence?.focus({ preventScroll: true });
  };

  const copyLink = async () => {
    await navigator.clipboard?.writeText(window.location.origin + window.location.pathname);
    say("The link is copied.");
  };

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => document.activeElement?.closest("#list-pane") && (move(1), true),
    ArrowUp: () => document.activeElement?.closest("#list-pane") && (move(-1), true),
    ".": showNew,
    "/": () => (openSearch(), true),
    e: () => press(one('#actions [data-key="e"]')),
    r: () => press(one('#actions [data-key="r"]')),
    y: () => press(one('#actions [data-key="y"]')),
    n: () => press(one('#actions [data-key="n"]')),
    z: () => press(one("#undo-button") || one("#actions form[action$='/undo/'] button")),
    t: () => one("[data-story]")?.click(),
    v: openEvidence,
    c: copyLink,
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!isBusy()) submit();
    } else if (event.key === "Escape") {
      if (openPart()) hideParts();
      else if (one("#actions [data-back]")) one("#actions [data-back]").click();
      else backToList();
    } else if (!typing(event.target) && plain(event)) {
      if (event.key === "Enter" && !event.target.closest("a, button, summary, label, input")) intoCard();
      else if (openPart() && /^[1-9]$/.test(event.key)) choose(event.key) && event.preventDefault();
      else if (Object.hasOwn(KEYS, event.key) && !(openPart() && event.key !== "z") && KEYS[event.key]() !== false) event.preventDefault();
    }
  });

  // Deferred scripts run when the page is parsed.
  startUndo();
  gate();
  const mode = one("#actions")?.dataset.mode;
  if (mode && one(`#actions .as-form[data-part="${mode}"]`)) showPart(mode);
})();
