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

  // Where the list goes on after several were decided together and their report stands in the card pane.
  let afterReport = "";
  const goOn = () => {
    const row = afterReport && one(`#row-${CSS.escape(afterReport)}`);
    afterReport = "";
    const next = row || rows().find((found) => !found.classList.contains("gone"));
    if (next) one("a", next).click();
    else window.location.assign(one("#new-pill").dataset.list);
  };

  // ----- a group of alike requests -----
  const boxes = () => all("#alike-rows input[name=item]");
  const lineOf = (element) => element?.closest?.("#alike-rows tbody tr");
  const focusLine = (step) => {
    const list = boxes();
    const line = lineOf(document.activeElement);
    const at = line ? list.indexOf(one("input[name=item]", line)) : 0;
    list[Math.min(Math.max(at + step, 0), list.length - 1)]?.focus();
  };

  // How many stand to be decided and what they move together, on every button that says so.
  const recount = () => {
    const left = boxes().filter((box) => box.checked);
    all("#actions [data-count]").forEach((place) => (place.textContent = String(left.length)));
    const sum = one("#actions [data-sum]");
    if (sum) sum.textContent = inWords(sum.textContent, left.reduce((total, box) => total + Number(box.closest("tr").dataset.minor), 0));
    all("#actions [data-main], #actions [data-submit]").forEach((button) => boxes().length && (button.disabled = left.length === 0));
  };
  const inWords = (like, minor) => {
    const decimals = (like.match(/\.(\d+)/) || ["", ""])[1].length;
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    return like.replace(/[\d,]+(\.\d+)?/, (minor / 10 ** decimals).toLocaleString("en-US", digits));
  };
  document.addEventListener("change", (event) => event.target.matches("#alike-rows input[name=item]") && recount());

  const toggleLine = (line) => {
    const box = one("input[name=item]", line);
    box.checked = !box.checked;
    recount();
    say(`${box.checked ? "Left in" : "Left out"}: ${box.getAttribute("aria-label")}`);
  };

  // x in the list picks single requests; two alike ones open together.
  const pick = () => {
    const row = current();
    if (!row?.dataset.alike) return say("This one is decided by itself.");
    row.toggleAttribute("data-picked");
    all("#rows > li[data-picked]").forEach((other) => other.dataset.alike === row.dataset.alike || other.removeAttribute("data-picked"));
    const picked = all("#rows > li[data-picked]").map((found) => found.dataset.id);
    say(`${picked.length} picked.`);
    if (picked.length < 2) return undefined;
    const url = `${row.dataset.together}${row.dataset.together.includes("?") ? "&" : "?"}only=${picked.join(",")}`;
    window.htmx.ajax("GET", url, { target: "#card-pane", swap: "outerHTML" });
    return undefined;
  };

  const leaveOut = () => {
    const line = lineOf(document.activeElement);
    if (line) toggleLine(line);
    else if (boxes().length) focusLine(0);
    else pick();
  };

  const intoCard = () => one("#card-scroll")?.focus();
  const into = () => (boxes().length ? boxes()[0].focus() : intoCard());
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

  // On a high-risk card a digit begins the amount that must be typed; it decides nothing.
  const beginTyping = (digit) => {
    const field = one("#typed");
    if (!field || field.disabled || !shown(field)) return false;
    field.focus();
    field.value += digit;
    gate();
    return true;
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
  const showNew = (anyway = false) => {
    const pill = one("#new-pill");
    if (!pill || (pill.hidden && !anyway)) return false;
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
    one("span", pill).textContent = `${fresh}${fresh < 200 ? "" : "+"} new, show them`;
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
    if (event.target.id !== "decide") return;
    afterReport = nextId();
    event.detail.parameters.next = afterReport;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "inbox-live") learn(one("#inbox-live"));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.detail.elt || event.target;
    if (swapped?.id === "card-pane") cardArrived();
    if (swapped?.id === "list-pane") listArrived();
  });

  let openFirst = false;
  const listArrived = () => {
    mark(card()?.dataset.request);
    if (openFirst && !current() && rows().length) one("a", rows()[0]).click();
    openFirst = false;
  };

  // What was decided leaves the list; of a group with some left, the line stays and says how many.
  const takeOff = (pane) => {
    const row = one(`#row-${CSS.escape(pane.dataset.decided)}`);
    const title = row && one("a > span", row);
    if (row && pane.dataset.remaining) {
      title.textContent = title.textContent.replace(/^\d+ (alike|left)/, `${pane.dataset.remaining} left`);
      one(".money", row).textContent = "";
    } else row?.remove();
    all("#report ~ * [data-item]", pane).forEach((line) => one(`#row-${CSS.escape(line.dataset.item)}`)?.remove());
    delete pane.dataset.decided;
    // The window of the list is worked off: the next one is there for the asking.
    if (pane.dataset.request && rows().length === 0) showNew(true);
  };

  const cardArrived = () => {
    const pane = card();
    pane.removeAttribute("aria-busy");
    if (pane.dataset.decided) {
      takeOff(pane);
      startUndo();
      setTimeout(() => window.htmx.trigger("#inbox-live", "look"), 50);
    }
    const filled = pane.dataset.request || one("#report", pane);
    inbox().setAttribute("data-pane", filled ? "card" : rows().length ? "list" : "empty");
    mark(pane.dataset.request);
    gate();
    if (boxes().length) recount();
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
    } else if (event.target.closest("[data-next]")) {
      event.preventDefault();
      // On the card of one that is decided: whatever comes after it, never that card again.
      if (!one("#report")) afterReport = nextId();
      goOn();
    } else if (event.target.closest("#toggle-alike")) {
      openFirst = true;
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

  const inTable = () => Boolean(lineOf(document.activeElement));
  const next = () => (inTable() ? focusLine(1) : one("#report") ? goOn() : move(1));
  const previous = () => (inTable() ? focusLine(-1) : move(-1));
  const back = () => {
    if (openPart()) hideParts();
    else if (one("#actions [data-back]")) one("#actions [data-back]").click();
    else backToList();
  };

  // What each key does is written in one table (approvals/keys.py), from which the sheet of ? is drawn as well.
  const ACTS = {
    next,
    previous,
    into,
    back,
    showNew: () => showNew(),
    search: () => (openSearch(), true),
    leaveOut,
    group: () => one("#toggle-alike")?.click(),
    submit,
    press: (key) => press(one(`#actions [data-key="${key}"]`)),
    undo: () => press(one("#undo-button") || one("#actions form[action$='/undo/'] button")),
    digit: (key) => (openPart() ? choose(key) : beginTyping(key)),
    story: () => one("[data-story]")?.click(),
    evidence: openEvidence,
    copyLink,
  };
  const TABLE = JSON.parse(one("#key-map").textContent);
  const ARROWS = { ArrowDown: "j", ArrowUp: "k" };
  // With a form open only these are keys; the rest is for its controls.
  const IN_A_FORM = new Set(["digit", "undo"]);

  const act = (key) => {
    const name = Object.hasOwn(TABLE, key) ? TABLE[key] : "";
    if (!name || (openPart() && !IN_A_FORM.has(name))) return false;
    return ACTS[name](key) !== false;
  };
  const onControl = (target) => target.closest("a, button, summary, label, input");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!isBusy()) ACTS[TABLE["Ctrl+Enter"]]();
    } else if (event.key === "Escape") {
      ACTS[TABLE.Escape]();
    } else if (!typing(event.target) && plain(event)) {
      if (event.key === "Enter" && onControl(event.target)) return;
      const arrow = Object.hasOwn(ARROWS, event.key) && document.activeElement?.closest("#list-pane, #alike-rows");
      if (act(arrow ? ARROWS[event.key] : event.key)) event.preventDefault();
    }
  });

  // Deferred scripts run when the page is parsed.
  startUndo();
  gate();
  const mode = one("#actions")?.dataset.mode;
  if (mode && one(`#actions .as-form[data-part="${mode}"]`)) showPart(mode);
})();
