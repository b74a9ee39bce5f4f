"""OFD: every number in its place, in packages written object by object for the purpose."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace

import pytest

from tasks.report import ofd, read
from tasks.report.drawn import Box, PageContent
from tasks.report.model import Reject, Source
from tasks.report.ofd_page import POINTS
from tests.publisher.case import MAKERS
from tests.publisher.document import document
from tests.publisher.ofd import NAMESPACE, Writer, package
from tests.publisher.ofd import ofd as rendered
from tests.report.drawn_pdf import Spec, rows_of, spec_of, texts
from tests.report.test_pdf import MERGED


def table(out: Writer, spec: Spec, top: float = 30, width: float = 18, height: float = 9) -> None:
    """Draws cells with their borders."""
    for (r, c), (text, rowspan, colspan) in spec.items():
        x0, x1 = 20 + c * width, 20 + (c + colspan) * width
        y0, y1 = top + r * height, top + (r + rowspan) * height
        for number, line in enumerate(text.split("\n")):
            if line:
                out.text(x0 + 1, y0 + 1 + number * 3.8, 3, line)
        for side in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            out.line(*side)


def written(objects: str, size: int = 1) -> bytes:
    """A package of pages with these objects, `ofd:` left out."""
    out = Writer()
    out.put(objects)
    return package(out.pages * size)


def text(content: str, attributes: str = "", code: str = 'X="0" Y="3"') -> str:
    return (
        f'<TextObject ID="1" Font="1" Size="3" Boundary="20 20 80 4" {attributes}>'
        f"<TextCode {code}>{content}</TextCode></TextObject>"
    )


def changed(data: bytes, **members: str | None) -> bytes:
    """A package with members replaced (by their path or the end of it) or, with None, left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            key = name if name in members else name.rpartition("/")[2].removesuffix(".xml")
            if key not in members:
                new.writestr(name, old.read(name))
            elif (content := members[key]) is not None:
                new.writestr(name, content)
    return out.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(Reject) as caught:
        ofd.source(data)
    return caught.value.rejection.code


@pytest.mark.parametrize("scaled", [False, True])
def test_merged_cells_over_a_page_break(scaled: bool) -> None:
    """Rules as strokes and as thin rectangles, text in millimetres and through a CTM."""
    out = Writer(scaled)
    table(out, MERGED, top=200)
    out.break_page()
    rest = {(r, c): (f"{r}{c}5", 1, 1) for r in range(3) for c in range(7)}
    table(out, rest)
    source = ofd.source(package(out.pages))
    rows = rows_of(source)
    assert spec_of(rows) == MERGED | {(r + 5, c): cell for (r, c), cell in rest.items()}
    place = rows[5].cells[1].place
    assert (place.kind, place.page, place.row) == ("ofd", 2, 6)
    mm = [v * 25.4 / 72 for v in place.box or ()]
    assert mm == pytest.approx([38, 30, 56, 39], abs=0.3)


def test_the_page_of_a_package_that_names_its_parts_otherwise() -> None:
    """Absolute addresses, another folder, names in another case, a current version, no PageArea."""
    space = f'xmlns:o="{NAMESPACE}"'
    files = {
        "OFD.xml": f"<o:OFD {space}><o:DocBody><o:DocRoot>old.xml</o:DocRoot><o:Versions>"
        '<o:Version ID="1" Current="true" BaseLoc="/V/v.xml"/></o:Versions></o:DocBody></o:OFD>',
        "v/V.XML": f"<o:DocVersion {space}><o:DocRoot>../Doc/D.xml</o:DocRoot></o:DocVersion>",
        "Doc/D.xml": f'<o:Document {space}><o:CommonData/><o:Pages><o:Page ID="1" '
        'BaseLoc="/Doc/./P/../P/1.xml"/></o:Pages></o:Document>',
        "Doc/P/1.xml": f"<o:Page {space}><o:Content><o:Layer><o:PageBlock>"
        '<o:TextObject Size="3" Boundary="20 20 80 4"><o:TextCode X="0" Y="3">\n  总计\n'
        "</o:TextCode></o:TextObject></o:PageBlock></o:Layer></o:Content></o:Page>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    assert texts(ofd.source(out.getvalue())) == ["总计"]


BOX = (
    '<PathObject Boundary="19 19 40 8" Stroke="false" Fill="{}"><AbbreviatedData>'
    "M 0 0 L 40 0 L 40 8 L 0 8 C</AbbreviatedData></PathObject>"
)


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        (text("收到 12件", code='X="0" Y="3" DeltaX="3 3 1.5 g 2 1.5"'), "收到 12件"),
        (text("收到\\002012件", code='X="0" Y="3"'), "收到 12件"),  # no deltas, a written space
        (text("12", code='X="0" Y="3" DeltaX="20"'), "1\t2"),
        (text("件12  0", code='X="0" Y="3"'), "件\ufffd\ufffd  \ufffd"),  # for another cell?
        (
            text("件123", code='X="0" Y="3" DeltaX="3"'),
            "件\ufffd\ufffd\ufffd",
        ),  # of three steps one
        (
            text("件12") + text("78", code='X="3.2" Y="3"'),
            "件1\ufffd72\ufffd8",
        ),  # on one spot
        (text("件12") + BOX.format("true") + text("7", code='X="9" Y="3"'), "\ufffd\ufffd\ufffd 7"),
        (text("件12") + BOX.format("false"), "件12"),
        (
            text("件12").replace("<TextCode", '<FillColor Value="255 255 255"/><TextCode'),
            "件\ufffd\ufffd",
        ),
        (text("AB", code='X="9" Y="3" DeltaX="-4"'), "B A"),
        (text("⾏政") + text("甲", 'Visible="false"') + text("乙", 'Alpha="0"'), "行政"),
        (text("丙", 'Fill="false"'), None),
        (text("丁").replace("<TextCode", '<FillColor Alpha="0"/><TextCode'), None),
        (text("水印", 'CTM="0.7 0.7 -0.7 0.7 0 0"'), None),
        (text("件12", 'CTM="-1 0 0 -1 40 6"'), "\ufffd\ufffd件"),  # upside down: 12 may be 21
        (text("件12", 'CharDirection="180"'), "件\ufffd\ufffd"),
        (text("件1234", code='X="72" Y="3"'), "件1234"),
        (text("件123456789", code='X="70" Y="3"'), "件12345" + "\ufffd" * 4),  # the boundary ends
        (text("𠮷12"), "𠮷\ufffd\ufffd"),  # programs count such characters once or twice
        (
            text("件12").replace(
                "<TextCode", '<CGTransform CodePosition="0" CodeCount="2" GlyphCount="1"/><TextCode'
            ),
            "件\ufffd\ufffd",
        ),
        (
            text("件12").replace(
                "<TextCode",
                '<Clips><Clip><Area><Path Boundary="0 0 4 4"><AbbreviatedData>M 0 0 L 4 0 L 4 4 C'
                "</AbbreviatedData></Path></Area></Clip></Clips><TextCode",
            ),
            "件1\ufffd",
        ),
    ],
)
def test_characters_as_a_reader_sees_them(objects: str, said: str | None) -> None:
    assert texts(ofd.source(written(objects))) == ([said] if said else [])


def test_templates_units_and_layers() -> None:
    unit = (
        f'<ofd:Res xmlns:ofd="{NAMESPACE}"><ofd:CompositeGraphicUnits><ofd:CompositeGraphicUnit '
        'ID="7" Width="50" Height="9"><ofd:Content><ofd:TextObject Size="3" Boundary="0 0 50 4">'
        '<ofd:TextCode X="0" Y="3">章</ofd:TextCode></ofd:TextObject></ofd:Content>'
        "</ofd:CompositeGraphicUnit></ofd:CompositeGraphicUnits></ofd:Res>"
    )
    below = Writer()
    table(below, {(0, 0): ("", 1, 1), (0, 1): ("", 1, 1), (1, 0): ("", 1, 2)})
    page = Writer()
    page.text(21, 31, 3, "12")
    page.text(39, 31, 3, "34")
    page.put('<CompositeObject ResourceID="7" Boundary="22 41 50 9"/>')
    data = package(page.pages, "".join(below.pages[0]), {"Doc_0/DocumentRes.xml": unit.encode()})
    assert spec_of(rows_of(ofd.source(data))) == {
        (0, 0): ("12", 1, 1), (0, 1): ("34", 1, 1), (1, 0): ("章", 1, 2)
    }  # fmt: skip
    assert ofd.source(data).meta == {"title": "年报"}


def picture(boundary: str) -> str:
    return f'<ImageObject ResourceID="5" Boundary="{boundary}" CTM="1 0 0 1 0 0"/>'


def scanned(*boundaries: str) -> Source:
    """A page with words of somebody's OCR under, then over, pictures."""
    out = Writer()
    out.text(20, 30, 3, "12")
    for boundary in boundaries:
        out.put(picture(boundary))
    out.text(20, 60, 3, "34")
    return ofd.source(package(out.pages))


def test_what_pictures_hide_is_not_read() -> None:
    whole = scanned("0 0 210 297")
    assert (whole.blocks, whole.pictures) == ([], 1)
    part = scanned("10 20 150 60")  # large enough for a table
    assert (texts(part), part.pictures) == (["\ufffd\ufffd", "34"], 1)
    seal = scanned("20.5 25 30 30")  # it lies over a number, in part or transparent
    assert (texts(seal), seal.pictures) == (["\ufffd\ufffd", "34"], 0)
    out = Writer()
    out.put(picture("0 0 210 297"))
    reading = read(package(out.pages))
    assert reading.reason is not None
    assert reading.reason.code == "needs_ocr"


@pytest.mark.parametrize("clip", [None, "0 0 210 297", "0 0 210 90"])
def test_a_scan_is_read_as_it_is_shown(clip: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where it is cut off; and its reader is told what is written over it."""
    told: list[list[Box]] = []

    def assembled(_: object, content: PageContent, over: list[Box]) -> PageContent:
        told.append(over)
        return content

    monkeypatch.setattr(ofd, "import_module", lambda _: SimpleNamespace(assembled=assembled))
    out = Writer()
    out.text(20, 30, 3, "12")
    shown = picture("0 0 210 297").replace("1 0 0 1", "210 0 0 297")
    if clip:
        x, y, wide, high = clip.split()
        path = f"M {x} {y} L {wide} {y} L {wide} {high} L {x} {high} C"
        shown = shown.replace(
            "/>",
            f"><Clips><Clip><Area><Path><AbbreviatedData>{path}</AbbreviatedData></Path></Area>"
            "</Clip></Clips></ImageObject>",
        )
    out.put(shown)
    out.text(20, 60, 3, "3")
    out.put(BOX.format("true"))
    media = (
        f'<ofd:Res xmlns:ofd="{NAMESPACE}"><ofd:MultiMedia ID="5" Type="Image"><ofd:MediaFile>a.png'
        "</ofd:MediaFile></ofd:MultiMedia></ofd:Res>"
    )
    files = {"Doc_0/DocumentRes.xml": media.encode(), "Doc_0/a.png": b"\x89PNG\r\n\x1a\n"}
    ofd.source(package(out.pages, files=files), ocr=True)
    if clip and clip.endswith("90"):
        assert told == []
        return
    ((shape, written),) = told
    assert [round(v / POINTS) for v in shape] == [19, 19, 59, 27]
    assert [round(v / POINTS) for v in written[:2]] == [20, 60]


def test_a_seal_over_a_number_is_no_number() -> None:
    made = document(MAKERS["probe_consistent"]("2021", 5), seed=5)
    whole = read(rendered(made))
    cell = next(c for c in whole.cells if c.cell == "proactive.licences.decisions")
    assert cell.place is not None
    assert cell.place.box is not None
    x0, y0, x1, y1 = (v * 25.4 / 72 for v in cell.place.box)
    seal = picture(f"{x0 - 9:.2f} {y0 - 9:.2f} {x1 - x0 + 9.2:.2f} {y1 - y0 + 18:.2f}")
    page = f"Doc_0/Pages/Page_{(cell.place.page or 1) - 1}/Content.xml"
    with zipfile.ZipFile(io.BytesIO(rendered(made))) as archive:
        drawn = archive.read(page).decode()
    seal = seal.replace("<", "<ofd:")
    covered = drawn.replace("</ofd:Layer>", f"{seal}</ofd:Layer>")
    reading = read(changed(rendered(made), **{page: covered}))
    assert reading.reason is not None
    assert reading.reason.code == "unreadable_number"


def test_refusals() -> None:
    good = written(text("一"))
    loop = (
        f'<ofd:Res xmlns:ofd="{NAMESPACE}"><ofd:CompositeGraphicUnit ID="7"><ofd:Content>'
        '<ofd:CompositeObject ResourceID="7" Boundary="0 0 9 9"/></ofd:Content>'
        "</ofd:CompositeGraphicUnit></ofd:Res>"
    )
    page = f'<ofd:Page xmlns:ofd="{NAMESPACE}">'
    doctype = f'<!DOCTYPE x [<!ENTITY a "1">]>{page}<ofd:Content>&a;</ofd:Content></ofd:Page>'
    out = Writer()
    out.put('<CompositeObject ResourceID="7" Boundary="0 0 9 9"/>')
    for data, code in [
        (b"PK\x03\x04 nothing", "broken_file"),
        (good[:-40], "broken_file"),
        (changed(good, Content=None), "broken_file"),  # the middle of a table may be on that page
        (changed(good, Document="<x/>"), "broken_file"),
        (changed(good, OFD="<x"), "broken_file"),
        (changed(good, Content=doctype), "broken_file"),
        (changed(good, Content=f'{page}<ofd:Template TemplateID="4"/></ofd:Page>'), "broken_file"),
        (written('<TextObject Size="3"><TextCode>1</TextCode></TextObject>'), "broken_file"),
        (written("", size=301), "too_large"),
        (written(text("1" * 500_001)), "too_large"),
        (written("<PageBlock>" * 9 + "</PageBlock>" * 9), "too_large"),
        (package(out.pages, files={"Doc_0/DocumentRes.xml": loop.encode()}), "too_large"),
        (package(out.pages, files={"Encryptions.xml": b"<x/>"}), "encrypted"),
    ]:
        assert refused(data) == code
