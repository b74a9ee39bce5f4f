"""OFD (GB/T 33190) into blocks: the package followed to its pages, which `printed` reads.

`OFD.xml` names the documents, each document its pages, templates and resources; every address is
a path in the package, relative to the file that names it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

from lxml import etree

from tasks.report import printed, sniff
from tasks.report.docx_package import Package
from tasks.report.drawn import Budget, Drawn, PageContent
from tasks.report.model import UNSURE, Place, Reject, Source
from tasks.report.ofd_page import POINTS, Resources, draw, local, numbers, text_of
from tasks.report.pdf_grid import grids

MOST_PAGES = 300
MOST_BYTES = 64 << 20
MOST_UNPACKED = 48 << 20  # bytes of XML; a report's have below 2 MB
A4 = [0.0, 0.0, 210.0, 297.0]  # millimetres
MOST_PICTURES = 100  # on a page that is looked at; scanners cut a page into some ten strips
COVERS = 0.6  # pictures over this share of a page are the page
_OVER = ("Background", "Body", "Foreground")  # what lies above what


class _Part(NamedTuple):
    """A file of the package: its path and its root."""

    path: str
    root: etree._Element

    def names(self, *tags: str) -> Iterator[str]:
        """The addresses in all elements of these names."""
        for element in self.root.iter():
            if local(element) in tags:
                yield (element.get("BaseLoc") or element.text or "").strip()


class _Opened:
    """A package whose files are found by the addresses in it, and parsed once each."""

    def __init__(self, data: bytes) -> None:
        self._package = Package(data)
        self._parts: dict[str, _Part] = {}
        self._unpacked = 0
        # programs write one case into the package and another into the address
        self._paths = {name.replace("\\", "/").lstrip("/").lower(): name
                       for name in self._package.names()}  # fmt: skip

    def holds(self, path: str) -> bool:
        return path.lower() in self._paths

    def path(self, address: str, beside: str) -> str:
        """The path of an address in the file `beside`."""
        folder = "/" if address.startswith("/") else f"/{posixpath.dirname(beside)}"
        return posixpath.normpath(posixpath.join(folder, address)).lstrip("/")

    def read(self, path: str) -> bytes | None:
        """The bytes of a file that is no XML; None when the package has none."""
        return self._package.read(self._paths.get(path.lower(), path))

    def part(self, address: str, beside: str = "") -> _Part | None:
        """The file at an address in the file `beside`; None when the package has none."""
        path = self.path(address, beside)
        if path not in self._parts:
            before = self._package.unpacked
            root = self._package.part(self._paths.get(path.lower(), path))
            if root is None:
                return None
            self._unpacked += self._package.unpacked - before
            if self._unpacked > MOST_UNPACKED:
                message = f"the package unpacks to more than {MOST_UNPACKED >> 20} MB"
                raise Reject("too_large", message)
            self._parts[path] = _Part(path, root)
        return self._parts[path]

    def needed(self, address: str, beside: str, place: Place | None = None) -> _Part:
        """The same; a file that is missing breaks the document."""
        part = self.part(address, beside)
        if part is None:
            raise Reject("broken_file", f"{address or 'a file'} is missing in the package", place)
        return part


def source(data: bytes, *, ocr: bool = False) -> Source:
    """The blocks of an OFD in reading order; a scan has pictures, and blocks only with `ocr`.

    Raises `Reject` with `broken_file`, `encrypted` or `too_large`.
    """
    if len(data) > MOST_BYTES:
        raise Reject("too_large", f"the OFD is larger than {MOST_BYTES >> 20} MB")
    package = _Opened(data)
    if package.holds("Encryptions.xml"):
        raise Reject("encrypted", "the OFD is encrypted")
    root = package.needed("OFD.xml", "")
    pages: list[printed.Page] = []
    # A page of a report has some 500 objects; one that parts every character, 2,000.
    budget = Budget("ofd", objects=40_000, segments=250_000)
    for body in (e for e in root.root if local(e) == "DocBody"):
        for content in _contents(package, _document(package, root, body), len(pages), budget, ocr):
            pages.append(printed.understand(content))
    if not pages:
        raise Reject("broken_file", "the OFD has no pages")
    out = printed.source("ofd", pages)
    if title := text_of(root.root, "DocBody", "DocInfo", "Title"):
        out.meta["title"] = title
    return out


def _document(package: _Opened, root: _Part, body: etree._Element) -> _Part:
    """The document of a DocBody, in the version that is current."""
    for version in body.iter():
        if local(version) == "Version" and version.get("Current") in ("true", "1"):
            current = package.needed(version.get("BaseLoc") or "", root.path)
            return package.needed(text_of(current.root, "DocRoot"), current.path)
    return package.needed(text_of(body, "DocRoot"), root.path)


def _contents(
    package: _Opened, document: _Part, before: int, budget: Budget, ocr: bool
) -> Iterator[PageContent]:
    """What each page of a document draws, with the templates it names; with `ocr`, what its
    pictures show."""
    common = next((e for e in document.root if local(e) == "CommonData"), document.root)
    box = numbers(text_of(common, "PageArea", "PhysicalBox"), 4) or A4
    resources = Resources()
    for address in _Part("", common).names("PublicRes", "DocumentRes"):
        _add_resources(package, address, document.path, resources)
    templates = {e.get("ID"): e.get("BaseLoc") or "" for e in common if local(e) == "TemplatePage"}
    listed = [e for group in document.root if local(group) == "Pages" for e in group]
    listed = [e for e in listed if local(e) == "Page"]
    if before + len(listed) > MOST_PAGES:
        raise Reject("too_large", f"the OFD has more than {MOST_PAGES} pages")
    for number, element in enumerate(listed, before + 1):
        place = Place("ofd", page=number)
        page = package.needed(element.get("BaseLoc") or "", document.path, place)
        x, y, width, height = numbers(text_of(page.root, "Area", "PhysicalBox"), 4) or box
        if not (1 <= width <= 10_000 and 1 <= height <= 10_000):
            raise Reject("broken_file", f"page {number} of the OFD has no size", place)
        content = PageContent(number, width * POINTS, height * POINTS)
        drawn = Drawn(content, budget)
        layers: list[tuple[int, etree._Element]] = []
        for part, order in _with_templates(package, page, document, templates, place):
            for address in part.names("PageRes"):
                _add_resources(package, address, part.path, resources)
            layers += [(order, layer) for layer in _layers(part)]
        layers.sort(key=lambda pair: pair[0])
        resources.shown, resources.over = [], []
        to_page = (POINTS, 0.0, 0.0, POINTS, -x * POINTS, -y * POINTS)
        for _, layer in layers:
            draw(layer, to_page, drawn, resources)
        if drawn.picture_area >= COVERS * content.width * content.height:
            # A scan: words below it are somebody's OCR, those above it are not in its picture.
            resources.over += [g[1:] for g in content.glyphs if g.text not in (UNSURE, " ")]
            content.glyphs, content.across, content.down = [], [], []
        drawn.count_pictures()
        if ocr and content.pictures and not grids(content.across, content.down):
            content = _looked_at(package, resources, content)
        yield content


def _looked_at(package: _Opened, resources: Resources, content: PageContent) -> PageContent:
    """A page with what its pictures show, if all of them are to be had as they are shown."""
    if len(resources.shown) > MOST_PICTURES or not all(
        box[2] - box[0] <= 2 * content.width and box[3] - box[1] <= 2 * content.height
        for box, _ in resources.shown
    ):
        return content
    shown = [(box, package.read(path)) for box, path in resources.shown if path is not None]
    pictures = [(box, data) for box, data in shown if data and sniff.kind(data) == "image"]
    if len(pictures) < len(resources.shown) or not pictures:
        return content
    read = import_module("tasks.report.ocr.scanned").assembled
    looks: PageContent = read(pictures, content, resources.over)
    return looks


def _with_templates(
    package: _Opened,
    page: _Part,
    document: _Part,
    templates: dict[str | None, str],
    place: Place,
) -> Iterator[tuple[_Part, int]]:
    """The templates that a page names and the page itself, each with what it lies above."""
    for use in page.root:
        if local(use) == "Template":
            address = templates.get(use.get("TemplateID"))
            if address is None:
                raise Reject("broken_file", "a page names a template that is not there", place)
            order = _rank(use.get("ZOrder"), "Background")
            yield package.needed(address, document.path, place), order
    yield page, _OVER.index("Body")


def _layers(part: _Part) -> list[etree._Element]:
    """The layers of a page, from below."""
    layers = [e for c in part.root if local(c) == "Content" for e in c if local(e) == "Layer"]
    return sorted(layers, key=lambda layer: _rank(layer.get("Type"), "Body"))


def _rank(name: str | None, default: str) -> int:
    return _OVER.index(name if name in _OVER else default)


def _add_resources(package: _Opened, address: str, beside: str, resources: Resources) -> None:
    """Adds what a resource file defines, if it is there; pages draw from it by number."""
    part = package.part(address, beside)
    if part is None:
        return
    for element in part.root.iter():
        identity = element.get("ID") or ""
        if local(element) == "CompositeGraphicUnit":
            resources.units[identity] = element
        elif local(element) == "MultiMedia" and element.get("Type") == "Image":
            base = posixpath.join(part.root.get("BaseLoc") or "", text_of(element, "MediaFile"))
            resources.media[identity] = package.path(base, part.path)
