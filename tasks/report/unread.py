"""What of a picture may be believed: the last judgement before a recognised report is accepted.

A number that the recogniser is not certain of stands in its cell as UNREAD, a mark like "/";
`Source.looks` has what it may be. Sections 三 and 四 are accepted when every identity holds and
the identities leave one value for each unread cell, one that its picture may show. Section 二 has
no identities: what is unread there stays so, and what may have lost a minus or a point that its
cell may hold is unread.
"""

from __future__ import annotations

import re
from decimal import Decimal

from tasks.report.form import StatutoryForm
from tasks.report.model import Cell, Finding, Looks, Place, Reject
from tasks.report.numbers import UNREAD

_SHOWN = 6  # doubtful cells that a message names
_POINT_OR_COMMA = re.compile(r"\d{1,3}[.,]\d{3}")  # 1.234 and 1,234 differ in two pixels


def accept(
    form: StatutoryForm, cells: list[Cell], findings: list[Finding], looks: Looks
) -> list[Cell]:
    """The cells of a recognised report, each with what may be said of it. Raises `Reject`."""
    accepted = []
    doubtful: list[Cell] = []
    for cell in cells:
        seen = cell.place is not None and cell.place.kind == "image"
        may_be_grouped = seen and _POINT_OR_COMMA.fullmatch(cell.as_published)
        if may_be_grouped and form.cell(cell.cell).unit in ("cny", "10k_cny"):
            unsure = cell.as_published.replace(",", "?").replace(".", "?")
            accepted.append(cell._replace(status="unread", value=None, as_published=unsure))
            continue
        if cell.place is None:
            accepted.append(cell)
            continue
        readings = _readings(cell.place, looks)
        if cell.as_published != UNREAD:
            alone = cell.cell.startswith("proactive.")  # no sum tells what the ink does not
            if seen and alone and hidden(cell.as_published, readings, form.cell(cell.cell).unit):
                cell = cell._replace(status="unread", value=None, as_published=shown(readings))
            accepted.append(cell)
            continue
        if cell.value is not None and cell.status == "forced":
            judged = _determined(cell, cell.value, readings)
            accepted.append(judged)
            if judged.status == "unread":
                doubtful.append(judged)
            continue
        judged = cell._replace(status="unread", as_published=shown(readings), identity=None)
        accepted.append(judged)
        if not cell.cell.startswith("proactive."):
            doubtful.append(judged)
    _refuse_broken(accepted, findings)
    if doubtful:
        raise _refusal(
            "uncertain_picture",
            f"{_count(len(doubtful))} cannot be read with certainty, and the identities do not "
            f"decide: {_named(doubtful)}",
            doubtful,
        )
    return accepted


def hidden(text: str, readings: tuple[str, ...], unit: str) -> bool:
    """Whether what is certain as far as its ink goes may be another reading, of those that the form
    allows in its cell: "?" is anything, a change may be negative, an amount have decimals."""
    others = [r for r in readings if r != text]
    if "?" in others:
        return True
    signed, amount = unit == "signed_count", unit in ("cny", "10k_cny")
    return any((signed and r.startswith("-")) or (amount and "." in r) for r in others)


def shown(readings: tuple[str, ...]) -> str:
    """The characters that all readings agree in, "?" for the others."""
    if len({len(r) for r in readings}) != 1:
        return "?"
    columns = zip(*readings, strict=True)
    return "".join(c[0] if len(set(c)) == 1 else "?" for c in columns)


def _readings(place: Place, looks: Looks) -> tuple[str, ...]:
    if place.page is None or place.box is None:
        return ()
    return looks.get((place.page, place.box), ())


def _determined(cell: Cell, value: Decimal, readings: tuple[str, ...]) -> Cell:
    """A cell that was not certain, and that the identities determine."""
    if value != int(value) or str(int(value)) not in readings:
        return cell._replace(
            status="unread", value=None, as_published=shown(readings), identity=None
        )
    text = str(int(value))
    if readings[0] == text:  # the identities are what confirms the first reading
        return cell._replace(status="reported", as_published=text, identity=None)
    return cell._replace(status="repaired", as_published=readings[0])


def _refuse_broken(cells: list[Cell], findings: list[Finding]) -> None:
    """Refuses a report whose certain numbers break an identity: which of them is wrong, and whether
    it is the page or the reading that is, no picture tells."""
    broken = [f for f in findings if f.verdict == "violated"]
    if not broken:
        return
    codes = set(broken[0].cells)
    touched = [cell for cell in cells if cell.cell in codes]
    raise _refusal(
        "uncertain_picture",
        f"the numbers read in the picture break {len(broken)} identities, {broken[0].identity}: "
        f"{broken[0].message}",
        touched,
    )


def _refusal(code: str, message: str, cells: list[Cell]) -> Reject:
    places = [cell.place for cell in cells if cell.place is not None]
    return Reject(code, message, places[0] if places else None, tuple(places[1:]))


def _count(n: int) -> str:
    return "1 number" if n == 1 else f"{n} numbers"


def _named(cells: list[Cell]) -> str:
    shown = ", ".join(f"{c.cell} ({c.as_published})" for c in cells[:_SHOWN])
    return shown + (" …" if len(cells) > _SHOWN else "")
