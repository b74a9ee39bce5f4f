"""Header and sentences of a report, in words of our own that agree with its figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from tests.publisher.figures import Figures

Scope = Literal["own", "area"]


@dataclass(frozen=True, slots=True)
class Header:
    """What the page says of itself around the report. `None` is not printed."""

    unit: str  # as the header and the title name it
    year: int
    title: str
    signer: str | None
    signed: date | None
    published: date
    composed: date | None = None
    index_number: str | None = None
    document_number: str | None = None
    disclosure_form: str | None = "主动公开"
    disclosure_scope: str | None = "面向社会"
    disclosure_period: str | None = "长期公开"
    site_name: str = "示例县人民政府"
    site_domain: str = "www.example.gov.cn"
    site_id_code: str | None = None
    column: str = "政府信息公开年报"

    def pairs(self) -> list[tuple[str, str]]:
        """Label and value of the metadata header, in the usual order."""
        pairs = [
            ("索引号", self.index_number),
            ("公开形式", self.disclosure_form),
            ("公开范围", self.disclosure_scope),
            ("公开时限", self.disclosure_period),
            ("发布单位", self.unit),
            ("成文日期", self.composed and self.composed.isoformat()),
            ("发布日期", self.published.isoformat()),
            ("文号", self.document_number),
            ("标题", self.title),
        ]
        return [(label, value) for label, value in pairs if value]


@dataclass(frozen=True, slots=True)
class Prose:
    """The paragraphs of sections 一, 五 and 六; `lead` stands before section 一."""

    lead: list[str]
    overview: list[str]
    problems: list[str]
    other: list[str]


def chinese_date(day: date) -> str:
    """The date as signatures write it."""
    return f"{day.year}年{day.month}月{day.day}日"


def header(
    unit: str, year: int, seed: int, *, scope: Scope = "own", signer: str | None = None
) -> Header:
    """A header for one unit and year; dates fall into the January or February after it."""
    rng = Random(f"header {unit} {year} {seed}")
    signed = date(year + 1, 1, 6) + timedelta(days=rng.randint(0, 40))
    published = signed + timedelta(days=rng.randint(0, 6))
    titles = (
        f"{unit}{year}年政府信息公开工作年度报告",
        f"{year}年{unit}政府信息公开工作年度报告",
        f"{unit}{year}年度政府信息公开工作年度报告",
    )
    title = titles[0] if scope == "area" else rng.choice(titles)
    return Header(
        unit=unit,
        year=year,
        title=title,
        signer=signer or unit,
        signed=signed,
        published=published,
        composed=signed,
        index_number=_index_number(rng, published),
    )


def _index_number(rng: Random, published: date) -> str | None:
    """An index number in one of the forms that sites use; the codes' check digits are right."""
    organ = f"{rng.randint(10_000_000, 99_999_999):08d}"
    organ += check_digit(organ)
    unified = f"11{rng.randint(110_000, 659_000)}{organ}"
    unified += unified_check(unified)
    serial = rng.randint(1, 900)
    return rng.choice(
        [
            f"{organ}/{published.year}-{serial:05d}",
            f"{organ}/{published.year}-{serial:05d}",
            f"{unified}/{published.year}-{serial:05d}",
            f"{unified}/{published:%Y%m}-{serial:05d}",
            f"{rng.randint(110_000, 659_000)}0000/{published.year}-{serial:06d}",
            f"xxgk/{published.year}-{serial:05d}",
            f"{published:%Y%m%d}-{rng.randint(100_000, 999_999)}",
            None,
        ]
    )


def unified_check(code: str) -> str:
    """The eighteenth character of a unified code (GB 32100)."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(letters.index(c) * pow(3, n, 31) for n, c in enumerate(code))
    return letters[-total % 31]


def check_digit(code: str) -> str:
    """The ninth character of an organisation code (GB 11714)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = 11 - sum(int(c) * w for c, w in zip(code, weights, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def prose(figures: Figures, head: Header, seed: int, *, scope: Scope = "own") -> Prose:
    """Sentences that agree with the figures."""
    rng = Random(f"prose {head.unit} {head.year} {seed}")
    whose = "全县各乡镇、各部门和县政府" if scope == "area" else "本机关"
    lead = [
        f"按照《中华人民共和国政府信息公开条例》的要求，现公布{head.unit}{head.year}年度报告。"
        + (
            "本报告综合各乡镇人民政府和县政府各部门的报告编制而成，涵盖全县政府信息公开责任单位。"
            if scope == "area"
            else ""
        )
        + f"所列数据的统计期限自{head.year}年1月1日至{head.year}年12月31日。"
    ]
    overview = [
        f"（一）主动公开。{head.year}年，{whose}坚持应公开尽公开，"
        + rng.choice(
            ("持续充实栏目，及时更新内容。", "对照目录逐项公布，做到更新有人管、内容有人核。")
        ),
        "（二）依申请公开。" + _requests(figures, head),
        "（三）管理与平台。"
        + rng.choice(
            (
                "公开前逐件核对，公开后定期回看。",
                "按照全县统一安排，我县各单位的信息由专人登记，本单位也照此办理。",
                "信息由专人登记、专人复核，网站每周巡查。",
            )
        ),
        "（四）监督保障。" + _review(figures),
    ]
    problems = [
        rng.choice(
            (
                "存在的问题：有的栏目更新偏慢，解读的形式偏少。",
                "存在的问题：经办人员更换较多，对新规定还不够熟悉。",
            )
        ),
        "改进的办法：把责任落实到岗位，按月检查，按季培训。",
    ]
    other = [
        rng.choice(
            ("本年度没有其他需要报告的事项。", "没有收取信息处理费，没有其他需要报告的事项。")
        )
    ]
    return Prose(lead, overview, problems, other)


def _requests(figures: Figures, head: Header) -> str:
    new = figures["requests.new_received.total"]
    carried_in = figures["requests.carried_in.total"]
    handled = figures["requests.total_handled.total"]
    carried_out = figures["requests.carried_out.total"]
    if not new and not carried_in:
        return f"{head.year}年未收到政府信息公开申请。"
    before = f"，上年结转{carried_in}件" if carried_in else ""
    after = f"，结转下年度继续办理{carried_out}件" if carried_out else ""
    return f"{head.year}年共收到政府信息公开申请{new}件{before}，答复{handled}件{after}。"


def _review(figures: Figures) -> str:
    review = figures["review_litigation.reconsideration.total"]
    suits = sum(
        figures[f"review_litigation.{block}.total"]
        for block in ("litigation_direct", "litigation_after_review")
    )
    first = f"因政府信息公开被申请行政复议{review}件" if review else "未发生行政复议"
    return f"{first}，" + (f"被提起行政诉讼{suits}件。" if suits else "未发生行政诉讼。")
