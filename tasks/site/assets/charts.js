// The charts, drawn with Observable Plot as SVG in the page's own colours, so that dark and print
// need no second drawing. Under each stands its table.
"use strict";

gongkai.charts = () => {
  const { say } = gongkai;
  const whole = (n) => n.toLocaleString("en-US");
  const style = { background: "none", color: "inherit", fontFamily: "inherit", fontSize: "13px", overflow: "visible" };
  const colour = (name) => `var(--o-${name})`;
  const sized = (width) => ({ width, height: Math.max(220, Math.min(300, width * 0.55)), style, marginLeft: 56, marginBottom: 36, marginTop: 22 });
  const trend = (box) => JSON.parse(document.getElementById(`trend-${box.dataset.of}`).textContent);

  // Whether each text fits over or under its own one of `n` bars; else all are written shorter.
  const pen = document.createElement("canvas").getContext("2d");
  const fit = (texts, size, width, n) => {
    pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
    return Math.max(...texts.map((t) => pen.measureText(t).width)) + 6 <= (width - 56 - 20) / n;
  };
  const rounded = (n) => n.toLocaleString("en-US", { notation: "compact" });

  // How many steps an axis of counts has: no halves of a report.
  const steps = (counts, most) => Math.max(1, Math.min(most, Math.max(0, ...counts)));

  const kinds = {
    requests(box, width) {
      const rows = trend(box).years.filter((y) => y.received !== null);
      const units = (d) => say("chart.units", { n: whole(d.covered) });
      const told = fit(rows.map(units), 11, width, rows.length) ? units : (d) => whole(d.covered);
      const number = fit(rows.map((d) => whole(d.received)), 13, width, rows.length) ? whole : rounded;
      return Plot.plot({
        ...sized(width),
        marginBottom: 50,
        x: { type: "band", label: null, tickSize: 0, tickFormat: (y) => `${y}` },
        y: { grid: true, label: null, ticks: steps(rows.map((d) => d.received), 5), tickFormat: whole },
        marks: [
          Plot.barY(rows, { x: "year", y: "received", fill: "var(--accent)", insetLeft: 6, insetRight: 6 }),
          Plot.text(rows, { x: "year", y: "received", text: (d) => number(d.received), dy: -8, fill: "var(--ink)" }),
          Plot.text(rows, { x: "year", frameAnchor: "bottom", text: told, dy: 34, fill: "var(--quiet)", fontSize: 11 }),
          Plot.ruleY([0], { stroke: "var(--line-strong)" }),
        ],
      });
    },
    outcomes(box, width) {
      const { years, groups } = trend(box);
      const rows = years.flatMap((y) => {
        const sum = groups.reduce((s, g) => s + (y.outcomes[g] ?? 0), 0);
        return sum ? groups.filter((g) => y.outcomes[g]).map((g) => ({ year: y.year, group: g, share: y.outcomes[g] / sum })) : [];
      });
      return Plot.plot({
        ...sized(width),
        x: { percent: true, grid: true, label: null, ticks: 5, tickFormat: (d) => `${d}%`, domain: [0, 100] },
        y: { type: "band", label: null, tickSize: 0, tickFormat: (y) => `${y}` },
        color: { domain: groups, range: groups.map(colour) },
        marks: [
          Plot.barX(rows, { y: "year", x: "share", fill: "group", order: groups, insetTop: 3, insetBottom: 3 }),
          Plot.text(rows, Plot.stackX({ y: "year", x: "share", z: "group", order: groups, text: (d) => (d.share > 0.08 ? `${Math.round(d.share * 100)}%` : ""), fill: "var(--on-colour)" })),
        ],
      });
    },
    delays(box, width) {
      const rows = JSON.parse(box.dataset.values).map(([week, n]) => ({ week, n }));
      return Plot.plot({
        ...sized(width),
        x: { label: null, tickFormat: (w) => (w === 0 ? "0" : `${w > 0 ? "+" : "−"}${Math.abs(w)}`), ticks: 6 },
        y: { grid: true, label: null, ticks: steps(rows.map((d) => d.n), 4), tickFormat: whole },
        marks: [
          Plot.rectY(rows, { x1: (d) => d.week, x2: (d) => d.week + 1, y: "n", fill: (d) => (d.week < 0 ? "var(--b-parsed)" : "var(--late)"), insetLeft: 0.5, insetRight: 0.5 }),
          Plot.ruleX([0], { stroke: "var(--ink)", strokeDasharray: "3,3" }),
          Plot.text([0], { x: 0, frameAnchor: "top", dy: -16, text: () => say("chart.weeks"), fill: "var(--quiet)", fontSize: 12 }),
          Plot.ruleY([0], { stroke: "var(--line-strong)" }),
        ],
      });
    },
    health(box, width) {
      const years = JSON.parse(box.dataset.values);
      const rows = years.flatMap(([year, all, violated]) => [
        { year, kind: "clean", n: all - violated },
        { year, kind: "violated", n: violated },
      ]);
      return Plot.plot({
        ...sized(width),
        x: { type: "band", label: null, tickSize: 0, tickFormat: (y) => `${y}` },
        y: { grid: true, label: null, ticks: steps(years.map(([, all]) => all), 5), tickFormat: whole },
        color: { domain: ["clean", "violated"], range: ["var(--b-parsed)", "var(--bad)"], legend: false },
        marks: [
          Plot.barY(rows, { x: "year", y: "n", fill: "kind", order: ["clean", "violated"], insetLeft: 6, insetRight: 6 }),
          Plot.ruleY([0], { stroke: "var(--line-strong)" }),
        ],
      });
    },
  };

  const draw = (box) => {
    const width = Math.floor(box.clientWidth);
    if (!width || box.dataset.width === `${width}`) return; // hidden, or drawn at this size
    const picture = kinds[box.dataset.chart](box, width);
    const caption = box.closest("figure").querySelector("figcaption");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", caption.textContent);
    for (const part of picture.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    box.replaceChildren(picture);
    box.dataset.width = `${width}`;
  };
  const boxes = [...document.querySelectorAll("[data-chart]")];
  const watch = new ResizeObserver((entries) => entries.forEach((e) => draw(e.target)));
  boxes.forEach((box) => watch.observe(box));
  document.addEventListener("gongkai:shown", () => boxes.forEach(draw));
};
