"""Text out of a PDF of the 2019 form whose columns an extraction has shifted and torn.

Group labels stand in the line at the middle of their group, or are spread over several; labels run
over into lines of their own, also over a page break; heads of columns come a character at a time.
"""

from __future__ import annotations

from itertools import groupby

from tests.publisher import form as statutory
from tests.publisher.document import Document
from tests.publisher.figures import Figures

_GROUPS = {  # the row at whose height a group's label was found, and the label
    "refused_third_party": ("", "(三) 不予公 开"),
    "refused_enforcement_file": ("三、本年", ""),
    "refused_admin_query": ("度办 理结", ""),
    "unavailable_not_held": ("果", "(四) 无法提 供"),
    "not_handled_repeat": ("", "(五) 不予处 理"),
}
_TORN = {
    "refused_law_prohibits": ("2.其他法律行政法规 禁止公开", ""),
    "refused_security_stability": ('3.危及"三安全一稳 定"', ""),
    "refused_third_party": ("4.保护第三方合法权 益", ""),
    "refused_internal_affairs": ("5.属于三类内部事务 信息", ""),
    "unavailable_not_held": ("1.本机关不掌握相关 政府信息", ""),
    "unavailable_needs_creation": ("2.没有现成信息需要 另行制作", ""),
    "unavailable_unclear": ("3.补正后申请内容仍 不明确", ""),
    "not_handled_publication": ("3.要求提供公开出版 物", ""),
    "not_handled_excessive": ("4.无正当理由大量反 复申请", ""),
    "not_handled_reconfirm": ("5.要求行政机关确认", "或重新出具已获取信 息"),
    "partly_granted": ("(二)部分公开(区分处理的, 只计这一情形,不计其他情形)", ""),
}
_PLAIN = {
    "new_received": "一、本年新收政府信息公开申请数量",
    "carried_in": "二、上年结转政府信息公开申请数量",
    "carried_out": "四、结转下年度继续办理",
    "total_handled": "(七)总计",
    "other_handling": "(六)其他处理",
    "granted": "(一)予以公开",
}
_WIDE = {*_PLAIN, "partly_granted"}  # rows whose label takes the columns of the groups
_HEAD = """
(本列数据的勾稽关系为: 第一项加第 二项之和,等于第三项加第四项之和)|||申请人情况|||||
||法人或其他组织||||||
|自然 人|商业 企业|科研机构|社会 公益 组织|法律服 务机构|其他|总计|
""".strip().replace("|", "\t")
_RESULTS = "结果维持|结果纠正|其他结果|尚未审结|总计"
_REVIEW = f"""
行政复议||||||行政诉讼||||||||||
结|结|其|尚|总|||未经复议直接起诉|||||复议后起诉||
果 维 持|果 纠正|他 结 果|未审结|计|{_RESULTS}|{_RESULTS}||
""".lstrip().replace("|", "\t")


def _printed(figures: Figures, row: str) -> str:
    cells = [c.code for c in statutory.cells(figures.form) if c.section == "requests"]
    return "\t".join(figures.cells[c].printed for c in cells if c.split(".")[1] == row)


def requests(figures: Figures) -> str:
    """Section 三; the page ends after the first row and inside the label of （五）5."""
    labels = {c.row: c.row_label for c in statutory.cells(figures.form)}
    lines = [_HEAD]
    for row in statutory.request_rows(figures.form):
        outer, inner = _GROUPS.get(row, ("", ""))
        label, rest = _TORN.get(row, (_PLAIN.get(row, labels[row]), ""))
        numbers = _printed(figures, row)
        if row == "new_received":
            lines += [f"{label}\t{numbers}\t", ""]
        elif row in _WIDE:
            lines.append(f"\t{label}\t\t{numbers}")
        else:
            lines.append(f"{outer}\t{inner}\t{label}\t{numbers}")
        if rest:
            lines += ["", f"\t\t{rest}\t\t\t\t\t\t\t"]
    return "\n".join(lines)


def proactive(figures: Figures) -> str:
    """Section 二: clauses indented now and then, an amount one column too far right."""
    lines = []
    cells = [c for c in statutory.cells(figures.form) if c.section == "proactive"]
    for number, (clause, of_clause) in enumerate(groupby(cells, key=lambda c: c.clause)):
        shift = "\t" if number != 1 else ""
        half = clause.replace("（", "(").replace("）", ")")
        lines.append(f"{shift}{half}" + "\t" * 9)
        block = [list(row) for _, row in groupby(of_clause, key=lambda c: c.row)]
        heads = [c.column_label for c in block[0]]
        lines.append("\t".join(["信息内容", *heads]) + "\t" * 7)
        for row in block:
            printed = [figures.cells[c.code].printed for c in row]
            if row[0].row == "procurement":
                printed.insert(1, "")
            lines.append("\t".join([row[0].row_label, *printed]) + "\t" * 6)
    return "\n".join(lines)


def review(figures: Figures) -> str:
    """Section 四, its heads torn."""
    cells = [c for c in statutory.cells(figures.form) if c.section == "review_litigation"]
    return _REVIEW + "\t".join(figures.cells[c.code].printed for c in cells) + "\t\t"


def tables(document: Document) -> dict[str, str]:
    """The three tables by section; only for the 2019 form, where this was seen."""
    figures = document.figures
    return {
        "proactive": proactive(figures),
        "requests": requests(figures),
        "review_litigation": review(figures),
    }
