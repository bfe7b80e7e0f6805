// The card alone: what is typed where, and where the cursor stands. It decides nothing and every part works without it.
(() => {
  const one = (selector, within = document) => within.querySelector(selector);

  // Whoever types into an argument that was left out means it to be there; the server thinks so too.
  document.addEventListener("input", (event) => {
    const value = event.target.closest?.(".cs-field-value");
    const presence = value && one("select.cs-presence-of", value);
    if (presence && event.target !== presence && event.target.value) presence.value = "yes";
  });

  // A question is typed where its answers stand.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-go-to]");
    const field = link && document.getElementById(link.dataset.goTo);
    if (!field) return;
    event.preventDefault();
    field.scrollIntoView({ block: "nearest" });
    field.focus({ preventScroll: true });
  });

  // A part of the bar that the server drew open: its first control has the cursor.
  document.addEventListener("htmx:afterSettle", (event) => {
    if ((event.detail.elt || event.target)?.id !== "card-pane") return;
    one("#actions [data-focus]")?.focus({ preventScroll: true });
  });
})();
