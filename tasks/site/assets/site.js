// What every page does: data scripts, the search, the appearance, the year of the overview.
"use strict";

const gongkai = (() => {
  const page = document.documentElement.dataset;
  const words = {};
  const say = (key, values = {}) =>
    ((`${values.n}` === "1" && words[`${key}.one`]) || (words[key] ?? key)).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  // Data comes as scripts that call back by name, so that a page opened as a file has it too.
  const waiting = new Map();
  const load = (path, key, made = page.run) =>
    waiting.get(key)?.promise ??
    (() => {
      const one = Promise.withResolvers ? Promise.withResolvers() : deferred();
      waiting.set(key, one);
      const script = document.createElement("script");
      script.src = `${page.root}${path}?made=${encodeURIComponent(made)}`;
      script.onerror = () => {
        waiting.delete(key);
        one.reject(new Error(key));
      };
      document.head.append(script);
      return one.promise;
    })();
  const deferred = () => {
    const one = {};
    one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
    return one;
  };
  const arrived = (key, value) => waiting.get(key)?.resolve(value);

  return {
    page,
    say,
    load,
    forms: {},
    checks: {},
    cells: {},
    form(forms, checks, cells, texts) {
      Object.assign(this, { forms, checks, cells });
      Object.assign(words, texts);
    },
    data: (name, made, value) => arrived(`data/${name}`, { made, value }),
    areas: (places, shards) => arrived("areas", { places, shards }),
    units: (shard, units) => arrived(`units/${shard}`, units),
  };
})();

// An element with attributes and children; text is always text.
gongkai.el = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return made;
};

gongkai.theme = () => {
  const button = document.getElementById("theme");
  const order = ["auto", "light", "dark"];
  const show = () => {
    const now = document.documentElement.dataset.theme ?? "auto";
    const name = gongkai.say(`theme.${now}`);
    document.getElementById("theme-name").textContent = name;
    button.setAttribute("aria-label", gongkai.say("theme.label", { now: name }));
    button.title = button.getAttribute("aria-label");
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "auto";
    const next = order[(order.indexOf(now) + 1) % order.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("gongkai-theme");
      else localStorage.setItem("gongkai-theme", next);
    } catch { /* not remembered */ }
    show();
  });
  show();
};

gongkai.years = () => {
  const buttons = [...document.querySelectorAll("button.year")];
  const choose = (year) => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.year === year));
    for (const part of document.querySelectorAll(".year-part")) part.hidden = part.dataset.year !== year;
    document.dispatchEvent(new Event("gongkai:shown"));
  };
  for (const b of buttons)
    b.addEventListener("click", () => {
      choose(b.dataset.year);
      history.replaceState(null, "", `#${b.dataset.year}`);
    });
  const wanted = location.hash.slice(1);
  if (buttons.some((b) => b.dataset.year === wanted)) choose(wanted);
};

// A link to a unit also opens the list of its reports.
gongkai.unfold = () => {
  const go = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = document.getElementById(id);
    const reports = document.getElementById(id.replace(/^u-/, "d-"));
    if (reports?.tagName === "DETAILS") reports.open = true;
    if (target) target.scrollIntoView({ block: target.tagName === "TR" ? "center" : "start" });
    if (target === reports) target?.querySelector("summary")?.focus({ preventScroll: true });
  };
  addEventListener("hashchange", go);
  if (location.hash.length > 1) go();
};

gongkai.search = () => {
  const MOST = 30;
  const input = document.getElementById("q");
  const list = document.getElementById("found");
  const status = document.getElementById("searching");
  const places = new Map();
  const units = [];
  let started = false, complete = false, chosen = -1;

  const path = (id) => {
    const names = [];
    for (let at = places.get(id); at; at = places.get(at.parent)) names.unshift(at.name);
    return names.join(" ");
  };
  const start = async () => {
    if (started) return;
    started = true;
    try {
      const { places: rows, shards } = await gongkai.load("search/areas.js", "areas");
      for (const [id, name, parent, code] of rows) places.set(id, { id, name, parent, code });
      for (const place of places.values()) {
        place.path = path(place.id);
        place.text = `${place.path} ${place.code}`;
      }
      show();
      await Promise.all(
        shards.map(async (shard) => {
          const rows = await gongkai.load(`search/${shard}.js`, `units/${shard}`);
          for (const [name, area, id, ...also] of rows) {
            const own = [name, ...also].join(" ");
            units.push({ name, area, id, also, own, text: `${places.get(area)?.path ?? ""} ${own}` });
          }
          show();
        }),
      );
      complete = true;
      show();
    } catch {
      status.textContent = gongkai.say("load.failed");
    }
  };
  const matches = (terms) => {
    const found = [];
    for (const place of places.values())
      if (terms.every((term) => place.text.includes(term)) && place.name.includes(terms.at(-1)) || place.code === terms.join(""))
        found.push({ name: place.name, where: path(place.parent), href: `area/${place.id}.html`, rank: place.name === terms.join("") ? 0 : 2 });
    for (const unit of units) {
      if (!terms.every((term) => unit.text.includes(term)) || !terms.some((term) => unit.own.includes(term))) continue;
      const other = terms.some((t) => unit.name.includes(t)) ? null : unit.also.find((name) => terms.some((t) => name.includes(t)));
      found.push({
        name: unit.name,
        where: path(unit.area) + (other ? ` · ${gongkai.say("search.also", { name: other })}` : ""),
        href: `area/${unit.area}.html#u-${unit.id}`,
        rank: unit.name === terms.join("") ? 0 : unit.name.startsWith(terms[0]) ? 1 : 3,
      });
    }
    return found.sort((a, b) => a.rank - b.rank || a.name.length - b.name.length || a.where.localeCompare(b.where, "zh"));
  };
  const close = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (n) => {
    const options = [...list.querySelectorAll('[role="option"]')];
    if (!options.length) return;
    chosen = (n + options.length) % options.length;
    options.forEach((o, i) => o.setAttribute("aria-selected", String(i === chosen)));
    input.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    const q = input.value.trim();
    if (!q || document.activeElement !== input) return close();
    const terms = q.split(/\s+/);
    const found = matches(terms);
    list.replaceChildren(
      ...found.slice(0, MOST).map((hit, n) =>
        gongkai.el("li", { role: "option", id: `hit-${n}`, "aria-selected": "false", "data-href": gongkai.page.home + hit.href },
          gongkai.el("b", { lang: "zh-Hans" }, hit.name), " ", gongkai.el("span", { lang: "zh-Hans" }, hit.where)),
      ),
    );
    chosen = -1;
    const rest = found.length - MOST;
    const said = !complete ? gongkai.say("search.loading")
      : !found.length ? gongkai.say("search.none", { q })
      : rest > 0 ? gongkai.say("search.more", { n: rest })
      : gongkai.say("search.found", { n: found.length });
    status.textContent = said;
    if (!complete || !found.length || rest > 0)
      list.append(gongkai.el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "said" }, said));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const follow = (option) => {
    if (!option?.dataset.href) return;
    close();
    location.href = option.dataset.href;
  };
  input.disabled = false;
  input.addEventListener("focus", start);
  input.addEventListener("input", () => { start(); show(); });
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // an input method is still choosing the characters
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show();
      else mark(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
    } else if (event.key === "Enter") {
      const options = list.querySelectorAll('[role="option"]');
      follow(options[Math.max(chosen, 0)]);
    } else if (event.key === "Escape") {
      if (!list.hidden) { event.preventDefault(); close(); }
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => follow(event.target.closest('[role="option"]')));
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
  });
};

// Paper cannot be unfolded: what a unit reported prints with the page, the other details do not.
gongkai.print = () => {
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details.unit:not([open])")];
    for (const part of unfolded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of unfolded) part.open = false;
  });
};

// The language link keeps the place on the page.
gongkai.language = () => {
  const switcher = document.getElementById("language");
  const href = switcher.getAttribute("href");
  const keep = () => switcher.setAttribute("href", href + location.hash);
  switcher.addEventListener("mousedown", keep);
  switcher.addEventListener("focus", keep);
  switcher.addEventListener("click", keep);
};

window.gongkai = gongkai; // data scripts call `gongkai.…`
