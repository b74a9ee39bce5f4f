"""Labels that a source broke into neighbouring cells, put together again.

A header set on two lines (商业／企业) becomes two labels where text was extracted line by line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tasks.report.column_order import likeness_to
from tasks.report.labels import Lexicon
from tasks.report.model import SourceCell

Header = Sequence[tuple[SourceCell, str]]
_MOST_PIECES = 4
_MOST = 1000  # ways looked at
_ALIKE = 0.8  # a label may have lost its last piece: 法律服务(机构)


def together(
    labels: Header, columns: Sequence[str], section: str, lex: Lexicon
) -> list[tuple[SourceCell, str]] | None:
    """One label for each of the columns, in page order, each of one or more neighbouring labels.

    None unless the ways of putting them together, which name every column as often as it occurs,
    all give the columns the same order.
    """
    ways = list(islice(_ways([key for _, key in labels], Counter(columns), section, lex), _MOST))
    if not ways or len(ways) == _MOST or len({tuple(p.column for p in way) for way in ways}) > 1:
        return None
    out: list[tuple[SourceCell, str]] = []
    at = 0
    for part in max(ways, key=lambda way: sum(p.likeness for p in way)):
        out.append((labels[at][0], "".join(key for _, key in labels[at : at + part.pieces])))
        at += part.pieces
    return out


class _Part(NamedTuple):
    pieces: int  # neighbouring labels
    column: str  # that they name together
    likeness: float


def _ways(
    labels: list[str], left: Counter[str], section: str, lex: Lexicon
) -> Iterator[tuple[_Part, ...]]:
    """Every way of cutting the labels into one part for each column."""
    if not labels:
        if not any(left.values()):
            yield ()
        return
    for pieces in range(1, min(_MOST_PIECES, len(labels)) + 1):
        label = "".join(labels[:pieces])
        fits = {column: likeness_to(label, section, column, lex) for column in left}
        best = max(fits.values())
        named = [c for c, likeness in fits.items() if likeness == best >= _ALIKE]
        if len(named) != 1 or not left[named[0]]:
            continue
        if pieces > 1 and not any(label in whole for whole in lex.columns[section, named[0]]):
            continue  # a label that stands there twice is not one in pieces
        rest = left.copy()
        rest[named[0]] -= 1
        for way in _ways(labels[pieces:], rest, section, lex):
            yield (_Part(pieces, named[0], best), *way)
