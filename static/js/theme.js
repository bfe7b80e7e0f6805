// Before the first paint: a person who left the choice to the system gets the system's light or dark.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    if (root.dataset.theme === "system") root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  root.dataset.js = "";
  follow();
  dark.addEventListener("change", follow);
})();
