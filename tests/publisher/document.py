"""One report before it is laid out: header, sentences, figures and tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.publisher import prose as words
from tests.publisher.figures import Figures
from tests.publisher.prose import Header, Prose, Scope
from tests.publisher.tables import Table, official

HEADINGS = {
    "overview": "一、总体情况",
    "proactive": "二、主动公开政府信息情况",
    "requests": "三、收到和处理政府信息公开申请情况",
    "review_litigation": "四、政府信息公开行政复议、行政诉讼情况",
    "problems": "五、存在的主要问题及改进情况",
    "other": "六、其他需要报告的事项",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A report as it will be published. `tables` may be reshaped or damaged; `figures` may not."""

    figures: Figures
    head: Header
    prose: Prose
    tables: list[Table]
    scope: Scope = "own"

    def reshaped(self, change: Callable[[list[Table]], list[Table]]) -> Document:
        """A copy whose tables are printed otherwise."""
        return replace(self, tables=change(self.tables))


def document(
    figures: Figures,
    unit: str = "白杨县云溪镇",
    year: int | None = None,
    seed: int = 1,
    *,
    scope: Scope = "own",
    signer: str | None = None,
    head: Header | None = None,
) -> Document:
    """A report of these figures; everything not given follows from the seed."""
    if year is None:
        year = 2020 if figures.form == "2019" else 2023
    head = head or words.header(unit, year, seed, scope=scope, signer=signer)
    text = words.prose(figures, head, seed, scope=scope)
    return Document(figures, head, text, official(figures), scope)
