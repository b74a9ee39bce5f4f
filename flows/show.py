"""One reading on a terminal, for people: the three tables of the form as they stand on paper."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from importlib import resources

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.exact_json import number
from tasks.report.model import Cell, Finding, Reading

METADATA_LABELS = {
    "title": "标题 title",
    "index_number": "索引号 index number",
    "issuing_unit": "发布机构 issuing unit",
    "document_number": "文号 document number",
    "document_date": "成文日期 document date",
    "published_date": "发布日期 published",
    "signed_date": "落款日期 signed",
    "disclosure_form": "公开形式 disclosure form",
    "disclosure_scope": "公开范围 disclosure scope",
    "disclosure_period": "公开时限 disclosure period",
    "site_id_code": "网站标识码 site id code",
    "site_name": "网站名称 site",
    "site_domain": "网站域名 site domain",
    "column_name": "栏目 column",
    "content_source": "来源 source",
    "topic": "主题 topic",
    "genre": "体裁 genre",
    "validity": "有效性 validity",
    "keywords": "关键词 keywords",
}
SECTIONS = {
    "proactive": "二、主动公开政府信息情况",
    "requests": "三、收到和处理政府信息公开申请情况",
    "review_litigation": "四、政府信息公开行政复议、行政诉讼情况",
}
UNITS = {"cny": "元", "10k_cny": "万元"}
SCOPES = {"own": "本机关 own", "area": "全区域汇总 area"}
STYLES = {"forced": "cyan", "blank": "dim", "mark": "dim", "unread": "red", "repaired": "yellow"}
LEGEND = {
    "reported": "read from the page",
    "forced": "⟨…⟩ forced by the identities of this document, text of the page inside",
    "blank": "␣ blank on the page, and not forced",
    "mark": "a mark such as / or — on the page, and not forced",
    "unread": "? something is there that could not be read with certainty",
    "repaired": "a reading that broke an identity, repaired in the one way possible",
}

FormRow = dict[str, str]


@cache
def form_rows(form: str) -> tuple[FormRow, ...]:
    """The cells of one statutory form with their Chinese labels, in order."""
    text = resources.files("tasks.report").joinpath("statutory_form.csv").read_text("utf-8")
    return tuple(row for row in csv.DictReader(text.splitlines()) if row["form"] == form)


def show(reading: Reading, console: Console) -> None:
    """Prints all that was understood of one document."""
    if reading.reason is not None:
        console.print(_rejection(reading))
    console.print(_header(reading))
    if reading.form is not None and reading.cells:
        cells = {cell.cell: cell for cell in reading.cells}
        console.print(_proactive(reading.form, cells))
        console.print(_matrix(reading.form, "requests", cells, console.width))
        console.print(_matrix(reading.form, "review_litigation", cells, console.width))
        console.print(_legend(reading.cells))
    if reading.findings or reading.cells:
        console.print(_findings(reading.findings))
    if reading.attachments:
        console.print(Text("附件 attachments: " + ", ".join(reading.attachments)))


def cell_text(cell: Cell | None) -> Text:
    """One value as a person reads it: the number, and the page's own text where it differs."""
    if cell is None:
        return Text("–", style="dim")
    published = cell.as_published.strip()
    style = STYLES.get(cell.status, "")
    if cell.value is None:
        return Text({"blank": "␣", "unread": f"? {published}"}.get(cell.status, published), style)
    value = number(cell.value)
    if cell.status == "forced":
        return Text(f"{value} ⟨{published or '␣'}⟩", style)
    return Text(value if published == value else f"{value} “{published}”", style)


def _rejection(reading: Reading) -> RenderableType:
    reason = reading.reason
    assert reason is not None
    place = reason.place.encode() if reason.place else "the whole document"
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Text("rejected", "bold red"), Text(reason.code, "bold"))
    grid.add_row("reason", Text(reason.message))
    grid.add_row("place", Text(place))
    return grid


def _header(reading: Reading) -> RenderableType:
    grid = Table(box=box.SIMPLE_HEAD, title="Metadata", title_justify="left", show_header=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    known = [
        ("outcome", reading.outcome),
        ("issuing unit 发布单位", reading.issuing_unit),
        ("report year 年度", str(reading.report_year) if reading.report_year else None),
        ("form 表样", reading.form),
        ("scope 范围", SCOPES.get(reading.scope or "", reading.scope)),
        ("source kind", reading.source_kind or None),
    ]
    for label, value in known:
        grid.add_row(label, Text(value) if value else Text("unknown", "dim"))
    labelled = [k for k in METADATA_LABELS if k in reading.metadata]
    for key in [*labelled, *(k for k in reading.metadata if k not in METADATA_LABELS)]:
        if value := reading.metadata[key]:
            grid.add_row(METADATA_LABELS.get(key, key), Text(value))
    return grid


def _section(form: str, section: str) -> list[FormRow]:
    return [row for row in form_rows(form) if row["section"] == section]


def _table(section: str) -> Table:
    return Table(box=box.SIMPLE_HEAD, title=SECTIONS[section], title_justify="left")


def _proactive(form: str, cells: dict[str, Cell]) -> Table:
    table = _table("proactive")
    for label in ("条款 clause", "信息内容 item", "栏目 measure"):
        table.add_column(label)
    table.add_column("数值 value", justify="right")
    previous = ""
    for row in _section(form, "proactive"):
        unit = UNITS.get(row["unit"], "")
        value = cell_text(cells.get(row["cell"]))
        item = row["row_label"] if row["row_label"] != previous else ""
        table.add_row(
            row["clause"].removeprefix("第二十条") if item else "",
            item,
            row["column_label"],
            Text.assemble(value, f" {unit}" if unit else ""),
        )
        previous = row["row_label"]
    return table


def _matrix(form: str, section: str, cells: dict[str, Cell], width: int) -> Table:
    rows = _section(form, section)
    columns = list(dict.fromkeys((row["column_code"], row["column_label"]) for row in rows))
    table = _table(section)
    table.padding = (0, 1, 0, 0)
    # Chinese has no spaces to wrap at, so the widths are set: else a narrow terminal loses columns
    number_width = 6 if width < 100 else 8
    label_width = max(18, min(48, width - len(columns) * (number_width + 2) - 4))
    table.add_column("", width=label_width, overflow="fold")
    for _, label in columns:
        table.add_column(label, justify="right", width=number_width, overflow="fold")
    codes = {(row["row_code"], row["column_code"]): row["cell"] for row in rows}
    group: list[str] = []
    for row in {row["row_code"]: row for row in rows}.values():
        levels = [g for g in row["group_label"].split("／") if g and g != row["row_label"]]
        for depth, label in enumerate(levels):
            if label not in group:
                table.add_row(Text("  " * depth + label, "bold"))
        group = levels or group[:0]
        values = (cell_text(cells.get(codes[row["row_code"], code])) for code, _ in columns)
        table.add_row("  " * len(levels) + row["row_label"], *values)
    return table


def _legend(cells: list[Cell]) -> RenderableType:
    counts: Counter[str] = Counter(cell.status for cell in cells)
    lines = [Text(f"{len(cells)} cells")]
    for status, meaning in LEGEND.items():
        if counts[status]:
            lines.append(
                Text(f"  {counts[status]:>4} {status:<9}{meaning}", STYLES.get(status, ""))
            )
    return Group(*lines)


def _findings(findings: list[Finding]) -> RenderableType:
    notable = [f for f in findings if f.verdict != "holds"]
    held = len(findings) - len(notable)
    if not notable:
        return Text(f"\nFindings: none; {held} identities hold." if held else "\nFindings: none.")
    table = Table(box=box.SIMPLE_HEAD, title="Findings", title_justify="left")
    for label in ("verdict", "rule", "what"):
        table.add_column(label, overflow="fold")
    for finding in sorted(notable, key=lambda f: f.verdict != "violated"):
        style = "bold red" if finding.verdict == "violated" else "yellow"
        table.add_row(Text(finding.verdict, style), finding.identity, Text(finding.message))
    if held:
        table.caption = f"{held} more hold"
    return table
