// Completion for the condition of a rule, from the list of words that stands on the page. Without it the list is read and typed.
// Ctrl+Space opens it, arrows move, Enter or Tab takes, Esc closes. Text goes in as text only.
(() => {
  const MOST = 8;
  let list = null;
  let words = [];
  let at = 0;

  const box = () => document.getElementById("id_when");
  const known = () =>
    [...document.querySelectorAll("#cel-words li")].map((item) => ({
      text: item.dataset.word,
      choices: item.dataset.choices ? item.dataset.choices.split("|") : [],
      about: item.textContent.replace(item.dataset.word, "").trim(),
    }));

  // What stands before the caret: a quoted value of a comparison, or the beginning of a name.
  const asked = (area) => {
    const before = area.value.slice(0, area.selectionStart);
    const value = before.match(/([A-Za-z_][\w.]*)\s*(?:==|!=)\s*"([^"]*)$/);
    if (value) return { path: value[1], part: value[2], start: area.selectionStart - value[2].length };
    const name = before.match(/[A-Za-z_][\w.]*$/);
    return { path: "", part: name ? name[0] : "", start: area.selectionStart - (name ? name[0].length : 0) };
  };

  const found = (question) => {
    const part = question.part.toLowerCase();
    if (question.path) {
      const word = known().find((one) => one.text === question.path);
      return (word ? word.choices : [])
        .filter((choice) => choice.toLowerCase().startsWith(part))
        .map((choice) => ({ text: choice, about: "" }));
    }
    const fits = (one) => one.text.toLowerCase();
    const first = known().filter((one) => fits(one).startsWith(part));
    const then = part.length > 1 ? known().filter((one) => !first.includes(one) && fits(one).includes(part)) : [];
    return [...first, ...then];
  };

  const close = () => {
    if (list) list.remove();
    list = null;
    const area = box();
    if (area) {
      area.setAttribute("aria-expanded", "false");
      area.removeAttribute("aria-activedescendant");
    }
  };

  const point = (index) => {
    at = (index + words.length) % words.length;
    [...list.children].forEach((item, place) => {
      item.setAttribute("aria-selected", String(place === at));
      if (place === at) item.scrollIntoView({ block: "nearest" });
    });
    box().setAttribute("aria-activedescendant", `cel-choice-${at}`);
  };

  const option = (word, index) => {
    const item = document.createElement("li");
    item.id = `cel-choice-${index}`;
    item.setAttribute("role", "option");
    const name = document.createElement("code");
    name.textContent = word.text;
    const about = document.createElement("span");
    about.className = "small muted";
    about.textContent = ` ${word.about}`;
    item.append(name, about);
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(index);
    });
    return item;
  };

  const open = (always) => {
    const area = box();
    const question = asked(area);
    close();
    if (!always && !question.part && !question.path) return;
    words = found(question).slice(0, MOST);
    if (!words.length || (words.length === 1 && words[0].text === question.part)) return;
    list = document.createElement("ul");
    list.id = "cel-choices";
    list.className = "cs-choices";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Completion");
    list.append(...words.map(option));
    area.after(list);
    area.setAttribute("aria-expanded", "true");
    point(0);
  };

  const put = (area, start, end, text, caret) => {
    area.setRangeText(text, start, end, "end");
    area.selectionStart = area.selectionEnd = caret;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    close();
  };

  const take = (index) => {
    const area = box();
    const question = asked(area);
    const text = words[index].text;
    const inside = text.endsWith("()") ? 1 : 0;
    put(area, question.start, area.selectionStart, text, question.start + text.length - inside);
    area.focus();
  };

  const onKey = (event) => {
    if (event.target !== box() || event.isComposing) return;
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      open(true);
      return;
    }
    if (!list || event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { ArrowDown: () => point(at + 1), ArrowUp: () => point(at - 1), Enter: () => take(at), Tab: () => take(at), Escape: close };
    if (!keys[event.key] || (event.key === "Tab" && event.shiftKey)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    keys[event.key]();
  };
  window.addEventListener("keydown", onKey, true); // before the page's own keys, which take Esc

  document.addEventListener("input", (event) => {
    if (event.target === box() && event.isTrusted) open(false);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target === box()) close();
  });

  // "Use amount_minor": puts the suggestion in the place of the word at fault.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-use]");
    const area = box();
    if (!button || !area) return;
    const start = Number(button.dataset.at);
    const end = start + button.dataset.wrong.length;
    if (area.value.slice(start, end) !== button.dataset.wrong) return;
    put(area, start, end, button.dataset.use, start + button.dataset.use.length);
    area.focus();
  });

  const dress = () => {
    document.querySelectorAll("[data-use]").forEach((button) => button.removeAttribute("hidden"));
    document.querySelectorAll(".no-js").forEach((part) => part.setAttribute("hidden", ""));
    const area = box();
    if (!area) return;
    area.setAttribute("role", "combobox");
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-controls", "cel-choices");
    if (!list) area.setAttribute("aria-expanded", "false");
  };
  document.addEventListener("htmx:afterSettle", dress);
  dress();
})();
