// The view of one report: the statutory tables with every value, its text as published and its place.
"use strict";

gongkai.report = () => {
  const { el, say } = gongkai;
  const dialog = document.getElementById("report");
  if (!dialog) return;
  const body = document.getElementById("report-body");
  const STATUS = { r: "reported", f: "forced", b: "blank", m: "mark", u: "unread", p: "repaired" };
  let opener = null, before = "";

  // "12345.5" → "12,345.5"; the text is exact, a float would not be.
  const grouped = (text) => {
    const [, sign, whole, rest] = /^([-+]?)(\d+)(\.\d+)?$/.exec(text) ?? [];
    return whole === undefined ? text : (sign === "-" ? "−" : "") + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ?? "");
  };
  // "htmlT2R4C3" → web page, table 2, row 4, cell 3; `same` is the kind where the place leaves it out.
  const place = (code, same) => {
    if (!code) return "–";
    const [, own, rest] = /^([a-z]*)((?:[PTRCLB][\d.,-]+)*)$/.exec(code) ?? [];
    const kind = own || same;
    if (!kind) return code;
    const steps = [...rest.matchAll(/([PTRCLB])([\d.,-]+)/g)].map(([, step, n]) => say(`place.${step}`, { n }));
    return [say(`place.${kind}`), ...steps].join(" ");
  };
  // One value of a report by its position in the form; null is "no number that is certain".
  const valueAt = (report, position) => {
    const { texts, statuses, values, edited, forced } = report.values;
    const places = report.places ??= report.values.places.split("|");
    const status = STATUS[statuses[position]];
    const none = status === "blank" || status === "mark" || status === "unread";
    const value = none ? null : values?.[position] ?? texts[position];
    return { status, text: texts[position] ?? "", place: place(places[position], /^[a-z]+/.exec(places[0])?.[0]), value, edited: edited?.[position] ?? null, forced: forced?.[position] ?? null };
  };

  const line = (term, ...what) => el("div", {}, el("dt", {}, term), el("dd", {}, ...what));

  const head = (report) => {
    const facts = [];
    if (report.url)
      facts.push(line(say("head.source"), el("a", { href: report.url, rel: "noreferrer noopener external", class: "out" }, report.url, el("span", { class: "unseen" }, ` ${say("head.leaves")}`))));
    else if (report.address) facts.push(line(say("head.no_link"), report.address));
    for (const key of ["issuing_unit", "published_date", "signed_date", "index_number", "document_number", "seen"])
      if (report[key]) facts.push(line(say(`head.${key}`), report[key]));
    if (report.snapshot_id) facts.push(line(say("head.snapshot_id"), el("code", { class: "hash" }, report.snapshot_id)));
    if (report.explanation) facts.push(line(say("head.explanation"), el("span", { lang: "en" }, report.explanation)));
    return el("header", {},
      el("p", { class: "sub" }, `${report.report_year ?? "–"} · ${say(`head.scope.${report.scope ?? "own"}`)} · ${say("head.form", { form: report.form ?? "–" })}`),
      el("h2", { id: "report-title", lang: "zh-Hans", tabindex: "-1" }, report.unit_name ?? report.issuing_unit ?? "–"),
      report.title ? el("p", { class: "title", lang: "zh-Hans" }, report.title) : null,
      report.is_current ? null : el("p", { class: "warn" }, say("head.old")),
      report.withdrawn_since ? el("p", { class: "warn" }, say("head.withdrawn", { since: report.withdrawn_since })) : null,
      report.official ? null : el("p", { class: "warn" }, say("head.unofficial")),
      el("dl", { class: "facts" }, facts),
    );
  };

  // A finding that a person dismissed is shown with the reason, and marks nothing as violated.
  const stands = (f) => f.human_verdict !== "dismissed";
  const kindOf = (f) => `v-${stands(f) ? f.verdict : "dismissed"}`;
  const judged = (f) => {
    if (!f.human_verdict) return null;
    const who = [f.decided_by, f.decided_on].filter(Boolean).join(", ");
    return el("span", { class: "why human" }, `${say(`human.${f.human_verdict}`)}: ${f.human_reason ?? "–"}${who ? ` (${who})` : ""}`);
  };

  const findings = (report) => {
    const part = el("section", { class: "report-findings" }, el("h3", {}, say("findings")));
    if (!report.findings.length) part.append(el("p", { class: "empty" }, say("findings.none")));
    else
      part.append(el("ul", {}, report.findings.map((f) =>
        el("li", { class: kindOf(f) },
          el("b", {}, `${say(`verdict.${f.verdict}`)} · ${gongkai.checks[f.identity] ?? f.identity}`), " ",
          el("span", {}, say("finding.line", { expected: shown(f.expected), found: shown(f.found) })),
          gongkai.page.home === gongkai.page.root ? null : el("span", { class: "why" }, f.explanation),
          judged(f)))));
    if (report.repairs.length)
      part.append(el("h3", {}, say("repairs")), el("ul", {}, report.repairs.map((r) =>
        el("li", { class: "v-repair" }, el("b", {}, gongkai.cells[r.cell] ?? r.cell), " ",
          el("q", { class: "verbatim" }, r.as_published ?? ""), " → ", el("b", {}, shown(r.value)), " ",
          el("span", { class: "why" }, say(`repair.${r.status}`))))));
    return part;
  };
  const shown = (text) => (text === null || text === undefined ? "–" : grouped(String(text)));

  const cellOf = (report, marked, [position, code, unit], row, column) => {
    const at = valueAt(report, position);
    const td = el("td", { class: `c c-${at.status}`, tabindex: "-1", "data-at": position });
    const number = at.value === null ? null : grouped(at.value);
    if (at.status === "blank") td.append(el("span", { class: "unseen" }, say("status.blank")));
    else if (at.value === null) td.append(el("span", { class: "as-is" }, at.text.slice(0, 24) || "?"));
    else td.append(number);
    if (number === "0") td.classList.add("zero");
    if (at.edited !== null) td.append(el("small", { class: "edit" }, ` → ${grouped(at.edited)}`));
    if (marked.has(code)) td.classList.add("flag");
    td.details = { at, code, unit, row, column };
    return td;
  };

  const tables = (report) => {
    const marked = new Set(report.findings.filter((f) => f.verdict === "violated" && stands(f)).flatMap((f) => f.cells));
    return gongkai.forms[report.form].map((section) =>
      el("section", {}, el("h3", {}, section.title),
        section.blocks.map((block) => {
          let group = "";
          const rows = [];
          for (const row of block.rows) {
            if (row.group && row.group !== group) rows.push(el("tr", { class: "group" }, el("th", { colspan: String(block.columns.length + 1), scope: "rowgroup" }, row.group)));
            group = row.group;
            rows.push(el("tr", {}, el("th", { scope: "row" }, row.label), row.cells.map((cell, n) => cellOf(report, marked, cell, row.label, block.columns[n]))));
          }
          return el("div", { class: "wide" }, el("table", { class: "form", role: "grid", "aria-label": section.title },
            el("thead", {}, el("tr", {}, el("td", {}), block.columns.map((c) => el("th", { scope: "col" }, c)))),
            el("tbody", {}, rows)));
        })));
  };

  const inspect = (report, panel, td) => {
    const { at, code, unit, row, column } = td.details;
    for (const other of body.querySelectorAll("[aria-selected]")) other.removeAttribute("aria-selected");
    td.setAttribute("aria-selected", "true");
    const touching = report.findings.filter((f) => f.cells.includes(code));
    panel.replaceChildren(
      el("h3", {}, row, el("small", {}, ` ${column}`)),
      el("dl", { class: "facts" },
        line(say("cell.as_published"), at.text ? el("q", { class: "verbatim", lang: "zh-Hans" }, at.text) : say("cell.nothing")),
        line(say("cell.value"), el("b", {}, at.value === null ? "–" : grouped(at.value)), " ", el("small", {}, say(`unit.${unit}`))),
        at.edited === null ? null : line(say("cell.edited"), el("b", { class: "edit" }, grouped(at.edited)), " ", el("small", {}, say("cell.edited.why"))),
        line(say("cell.status"), say(`status.${at.status}`), el("small", { class: "why" }, say(`status.${at.status}.why`))),
        at.forced ? line(say("cell.forced"), gongkai.checks[at.forced] ?? at.forced) : null,
        line(say("cell.place"), at.place),
        line(say("cell.code"), el("code", {}, code)),
        touching.length ? line(say("cell.findings"), el("ul", {}, touching.map((f) => el("li", { class: kindOf(f) }, `${say(`verdict.${f.verdict}`)} · ${gongkai.checks[f.identity] ?? f.identity}`, judged(f))))) : null,
      ));
    panel.classList.add("filled");
  };

  const grid = (report, panel) => {
    const cells = (table) => [...table.tBodies[0].rows].map((r) => [...r.querySelectorAll("td.c")]).filter((r) => r.length);
    for (const table of body.querySelectorAll("table.form")) {
      const first = table.querySelector("td.c");
      if (first) first.tabIndex = 0;
      table.addEventListener("focusin", (event) => {
        const td = event.target.closest("td.c");
        if (!td) return;
        for (const other of table.querySelectorAll('td.c[tabindex="0"]')) other.tabIndex = -1;
        td.tabIndex = 0;
        inspect(report, panel, td);
      });
      table.addEventListener("keydown", (event) => {
        const rows = cells(table);
        const y = rows.findIndex((r) => r.includes(event.target));
        if (y < 0) return;
        const x = rows[y].indexOf(event.target);
        const to = { ArrowRight: [y, x + 1], ArrowLeft: [y, x - 1], ArrowDown: [y + 1, x], ArrowUp: [y - 1, x], Home: [y, 0], End: [y, rows[y].length - 1] }[event.key];
        if (!to) return;
        event.preventDefault();
        rows[to[0]]?.[to[1]]?.focus();
      });
    }
  };

  const draw = (report) => {
    const panel = el("aside", { class: "cell", "aria-live": "polite", "aria-label": say("cell.title") }, el("p", { class: "empty" }, say("cell.pick")));
    body.replaceChildren(head(report), findings(report), el("p", { class: "legend" }, say("legend")), el("div", { class: "report-tables" }, el("div", { class: "tables" }, tables(report)), panel));
    grid(report, panel);
  };

  const problem = (key) => body.replaceChildren(el("h2", { id: "report-title", tabindex: "-1" }, "–"), el("p", { class: "warn" }, say(key)));
  const show = async (file, id) => {
    body.replaceChildren(el("h2", { id: "report-title", tabindex: "-1" }, say("loading")));
    if (!dialog.open) dialog.showModal();
    document.documentElement.classList.add("reading");
    try {
      const { made, value } = await gongkai.load(`data/${file}.js`, `data/${file}`, gongkai.page.made);
      if (made !== gongkai.page.made) problem("load.stale");
      else if (!value[id]) problem("load.none");
      else draw(value[id]);
    } catch {
      problem("load.failed");
    }
    dialog.scrollTop = 0;
    document.getElementById("report-title").focus({ preventScroll: true });
  };

  // The address says which report is open, so that it can be sent, and Back closes it.
  const follow = () => {
    const id = /^#r=([0-9a-f]{32})$/.exec(location.hash)?.[1];
    const link = id && document.querySelector(`a.opens[href="#r=${id}"]`);
    if (link) show(link.dataset.file, id);
    else if (dialog.open) dialog.close();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.opens");
    if (!link) return;
    opener = link;
    if (!location.hash.startsWith("#r=")) before = location.hash;
    if (location.hash === link.hash) follow();
  });
  dialog.addEventListener("close", () => {
    document.documentElement.classList.remove("reading");
    if (location.hash.startsWith("#r=")) history.replaceState(null, "", location.pathname + location.search + before);
    opener?.focus();
    opener = null;
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.getElementById("report-close").addEventListener("click", () => dialog.close());
  document.getElementById("report-print").addEventListener("click", () => print());
  addEventListener("hashchange", follow);
  follow();
};
