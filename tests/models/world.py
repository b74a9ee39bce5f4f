"""The content of the shared test warehouse. Each place tells one story; the tests name them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.models.synthetic import IDENTITIES, Synthetic, figures, source

SOURCES = [
    source("huachuan", "230826"),
    source("linan", "330112"),
    source("dinghai", "330902", "unit_listing", "定海区白泉镇人民政府"),
    source("gongzhuling", "220184"),
]
HUACHUAN = "https://www.huachuan.gov.cn/"
LINAN = "https://www.linan.gov.cn/"
DINGHAI = "https://www.dinghai.gov.cn/"
GZL = "https://www.gongzhuling.gov.cn/"
IMPORTED: dict[str, Any] = {"origin": "imported", "official": False, "discovered": False}
GRANTED = "requests.granted.natural_person"
BUSY = figures(
    new_received__natural_person=12,
    new_received__business=4,
    carried_in__natural_person=2,
    granted__natural_person=7,
    granted__business=3,
    partly_granted__natural_person=2,
    unavailable_not_held__business=1,
    reconsideration__upheld=2,
    normative_documents__issued=5,
    normative_documents__repealed=1,
    normative_documents__in_force=40,
    fees__amount=3,
)


def _with(values: dict[str, Decimal | None], **changes: int | None) -> dict[str, Decimal | None]:
    changed = dict(values)
    for name, value in changes.items():
        changed[name.replace("__", ".")] = None if value is None else Decimal(value)
    return changed


def fill(world: Synthetic) -> None:
    """Two nights, a week apart."""
    first, second = world.night(), world.night(after_days=7)

    # 桦川县: an area report true in itself; the next year's does not continue it; its own bureaus
    # together say more than the county for the whole area.
    first.report(
        HUACHUAN + "2021.html",
        "桦川县人民政府",
        2021,
        BUSY,
        scope="area",
        source_id="huachuan",
        published_date="2022-03-30",
        title="桦川县2021年政府信息公开工作年度报告",
    )
    first.report(
        HUACHUAN + "2022.html",
        "桦川县人民政府",
        2022,
        figures(
            carried_in__natural_person=9,
            granted__natural_person=9,
            normative_documents__issued=2,
            normative_documents__in_force=42,
        ),
        scope="area",
        source_id="huachuan",
        published_date="2023-04-02",
    )
    first.report(
        HUACHUAN + "edu.html",
        "桦川县教育局",
        2021,
        figures(new_received__natural_person=30, granted__natural_person=30),
        source_id="huachuan",
        published_date="2022-02-08",
    )
    # A bureau named without its county, on the county's listing; one cell wrong in both its sums.
    first.report(
        HUACHUAN + "market.html",
        "市场监督管理局",
        2021,
        _with(BUSY, **{GRANTED: 17}),
        source_id="huachuan",
        link_date="2022-01-20",
    )
    # A total blank where its parts are known, and parts that exceed a printed total beside a blank.
    first.report(
        HUACHUAN + "blank.html",
        "桦川县财政局",
        2021,
        _with(
            BUSY,
            **{
                "requests.new_received.total": None,
                "review_litigation.reconsideration.upheld": 5,
                "review_litigation.reconsideration.other": None,
            },
        ),
        source_id="huachuan",
    )
    # The review block alone: four parts could be wrong, so nothing is proposed.
    first.report(
        HUACHUAN + "review.html",
        "桦川县审计局",
        2021,
        _with(BUSY, **{"review_litigation.reconsideration.total": 3}),
        source_id="huachuan",
    )

    # 临安: a township without a date, and the PDF beside it with another number.
    page = LINAN + "qlf.html"
    first.report(page, "清凉峰镇", 2021, BUSY, source_id="linan")
    first.report(
        LINAN + "qlf.pdf",
        "清凉峰镇人民政府",
        2021,
        _with(BUSY, **{"proactive.fees.amount": 4}),
        source_id="linan",
        parent_document_id=page,
        source_kind="pdf",
        discovered=False,
    )
    # A page corrected within the week, and dated past the deadline now; its first version stays to
    # be queried, and was in time.
    first.report(
        LINAN + "fin.html",
        "临安区财政局",
        2021,
        _with(BUSY, **{GRANTED: 8}),
        source_id="linan",
        link_date="2022-01-25",
    )
    second.report(
        LINAN + "fin.html",
        "临安区财政局",
        2021,
        BUSY,
        body="corrected",
        source_id="linan",
        published_date="2022-04-05",
    )
    # The site's code says another county than the listing.
    first.report(
        LINAN + "stolen.html",
        "临安区民政局",
        2021,
        BUSY,
        source_id="linan",
        site_id_code="3309020001",
    )
    # An office nested in a bureau is not the bureau.
    first.report(LINAN + "branch.html", "杭州市生态环境局临安分局", 2021, BUSY, source_id="linan")

    # Imported texts: resolved as far as their words go, never a national fact.
    for name, unit, prose in (
        ("baiquan", "白泉镇", "白泉镇在区委、区政府的领导下"),
        ("wucun", "吴村镇", "在区委、区政府的正确领导下"),
        ("sanchahe", "三岔河镇人民政府", "为省政府、市政府和县政府领导服务"),
    ):
        first.report(
            f"file:{name}",
            unit,
            2021,
            BUSY,
            sections={"一": prose},
            **IMPORTED,
        )
    # A report from before the statutory form is no reason to expect any for its year.
    first.report(
        GZL + "2018.html",
        "公主岭市人民政府",
        2018,
        outcome="rejected",
        source_id="gongzhuling",
        reason_code="pre_2019_report",
        published_date="2019-04-20",
        discovered=False,
    )
    # Before 2020 公主岭 lay in another prefecture; it is the same unit.
    gzl_2019 = figures("2019", new_received__natural_person=3, granted__natural_person=1)
    first.report(
        GZL + "2019.html",
        "公主岭市人民政府",
        2019,
        gzl_2019,
        form="2019",
        scope="area",
        source_id="gongzhuling",
        site_id_code="2203810001",
        title="公主岭市2018年年度报告",
        prose_numbers=[
            {"measure": "requests.new_received.total", "value": 5, "sentence": "收到申请5件"},
            {"measure": "requests.carried_out.total", "value": 2, "sentence": "结转2件"},
        ],
    )
    first.report(
        GZL + "2020.html",
        "公主岭市人民政府",
        2020,
        figures("2019", carried_in__natural_person=1, granted__natural_person=1),
        form="2019",
        scope="area",
        source_id="gongzhuling",
    )

    # For every identity of either form a text with one of its cells one too many.
    for (form, identity), cells in IDENTITIES.items():
        true = figures(form, new_received__natural_person=9, granted__natural_person=4)
        wrong = true | {cells[0]: (true[cells[0]] or Decimal(0)) + 1}
        first.report(
            f"probe:{form}:{identity}",
            None,
            2021,
            wrong,
            form=form,
            **IMPORTED,
        )

    # Two numbers wrong in one row.
    first.report(
        "probe:two wrong",
        None,
        2021,
        _with(BUSY, **{GRANTED: 70, "requests.granted.business": 33}),
        **IMPORTED,
    )

    # Links that were not taken: one source says so twice, the other no longer.
    for night in (first, second):
        night.candidate(HUACHUAN + "law.html", "huachuan", f"is a law ({night.run_id})")
    first.candidate(LINAN + "law.html", "linan", "is a law")

    # What failed: rejected twice; read the second night; never found; not official; a listing.
    for night in (first, second):
        night.report(
            HUACHUAN + "water.html",
            "桦川县水务局",
            2021,
            outcome="rejected",
            body=night.run_id,
            source_id="huachuan",
            reason_code="unknown_label",
            reason_message="“合计2” is unknown",
        )
        night.outcome(
            "https://copy.example.com/x", "quarantined", code="not_official", stage="discover"
        )
    for night in (first, second):
        night.outcome(
            HUACHUAN + "gone.html",
            "failed",
            code="http_404",
            stage="fetch",
            source_id="huachuan",
            link_title="桦川县财政局 2022年政府信息公开工作年度报告",
            link_date="2023-02-03",
        )
    first.outcome(LINAN + "slow.html", "failed", code="timeout", stage="fetch")
    second.report(  # dated in the middle of the year it is for
        LINAN + "slow.html",
        "临安区水利局",
        2021,
        BUSY,
        source_id="linan",
        link_date="2021-05-01",
    )
    first.outcome(LINAN + "fin2.html", "failed", code="timeout", stage="fetch")
    # The next night takes entries from a listing page that could not be read, and was not stopped.
    second.outcome(LINAN + "fin2.html", "unchanged", listing_url=LINAN + "list/1")
    first.problem(LINAN + "list/1", "failed", code="timeout", message="no answer")
    first.problem("stop", "skipped", stage="fetch", code="stopped", message="told to stop")
    first.problem("https://www.linan.gov.cn/list/2", "failed", code="http_500", message="HTTP 500")
