// Runs before the first paint: the appearance that the reader chose, if any, and that scripts run.
(() => {
  document.documentElement.classList.add("scripted");
  try {
    const chosen = localStorage.getItem("gongkai-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* storage is forbidden: the system's appearance it is */ }
})();
