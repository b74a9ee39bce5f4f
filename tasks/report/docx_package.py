"""The parts of an OOXML package, unpacked and parsed within limits."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable

from lxml import etree

from tasks.report.model import Reject
from tasks.report.sniff import unsafe

MOST_PART = 16 << 20  # the text of a report is a hundredth of that
MOST_ELEMENTS = 500_000

_W = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
# Other vocabularies inside a Word document, by the prefix they get here.
_OTHERS = {
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc:",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m:",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m:",
    "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp:",
    "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing": "wp:",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a:",
    "http://purl.oclc.org/ooxml/drawingml/main": "a:",
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main": "s:",
    "http://purl.oclc.org/ooxml/spreadsheetml/main": "s:",
    "urn:schemas-microsoft-com:vml": "v:",
    "http://purl.org/dc/elements/1.1/": "dc:",
}
_NAMES: dict[str, str] = {}  # the document's own names are few: worked out once each


def name(element: etree._Element) -> str:
    """The element's name: bare for Word's own vocabulary, strict or transitional."""
    tag = element.tag
    known = _NAMES.get(tag) if isinstance(tag, str) else ""
    if known is None:
        namespace, _, local = tag.removeprefix("{").rpartition("}")
        known = local if namespace in _W else _OTHERS.get(namespace, "?:") + local
        if len(_NAMES) < 10_000:
            _NAMES[tag] = known
    return known


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first child of that name, and its child of the next name, and so on."""
    for step in path:
        if element is None:
            return None
        element = next((e for e in element if name(e) == step), None)
    return element


def value(element: etree._Element | None, attribute: str = "val") -> str | None:
    """An attribute of Word's vocabulary."""
    if element is None:
        return None
    for key, text in element.attrib.items():
        if str(key).rpartition("}")[2] == attribute:
            return str(text)
    return None


def is_on(element: etree._Element | None) -> bool:
    """Whether a switch such as <w:vanish/> is on."""
    return element is not None and value(element) not in ("0", "false", "off", "none")


class Package:
    """An opened package. Raises `Reject` with `broken_file`, `encrypted` or `too_large`."""

    def __init__(self, data: bytes) -> None:
        self.unpacked = 0  # bytes, so far
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            reason = unsafe(self._archive)
        except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, NotImplementedError):
            raise Reject("broken_file", "the archive cannot be opened") from None
        if reason:
            code = "encrypted" if "encrypted" in reason else "too_large"
            raise Reject(code, reason)
        if any(m.compress_type not in (0, 8) for m in self._archive.infolist()):
            raise Reject("broken_file", "the archive is packed as no office program packs")

    def part(self, path: str) -> etree._Element | None:
        """The root of a part, or None when there is no such part."""
        data = self.read(path)
        if data is None:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError):
            raise Reject("broken_file", f"{path} in the archive is no XML") from None
        if getattr(root.getroottree().docinfo, "doctype", ""):  # the stubs do not know it
            raise Reject("broken_file", f"{path} in the archive declares a document type")
        if root.xpath(f"count(//*) > {MOST_ELEMENTS}"):
            raise Reject("too_large", f"{path} in the archive has too many elements")
        return root

    def read(self, path: str) -> bytes | None:
        """The bytes of a part, or None when there is no such part."""
        try:
            with self._archive.open(path) as stream:
                data = stream.read(MOST_PART + 1)  # what it declares may be a lie
        except KeyError:
            return None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError,
                NotImplementedError):  # fmt: skip
            raise Reject("broken_file", f"{path} in the archive cannot be unpacked") from None
        if len(data) > MOST_PART:
            raise Reject("too_large", f"{path} in the archive is too large")
        self.unpacked += len(data)
        return data

    def names(self) -> list[str]:
        """The parts' paths."""
        return self._archive.namelist()

    def verify(self, paths: Iterable[str]) -> None:
        """Unpacks parts that another library will read: what they declare must be true."""
        for path in paths:
            self.read(path)

    def main(self) -> tuple[str, etree._Element]:
        """The path and the root of the document itself."""
        path = self._related("_rels/.rels", "", "/officeDocument") or "word/document.xml"
        root = self.part(path)
        if root is None:
            raise Reject("broken_file", "the archive holds no document")
        return path, root

    def related(self, main: str) -> dict[str, str]:
        """The paths of what the document refers to, by the reference's name."""
        folder, file = posixpath.split(main)
        found = self.relations(f"{folder}/_rels/{file}.rels", folder)
        return {identity: path for identity, _, path in found}

    def beside(self, main: str, kind: str) -> etree._Element | None:
        """A part that the document refers to, such as its styles."""
        folder, file = posixpath.split(main)
        path = self._related(f"{folder}/_rels/{file}.rels", folder, kind)
        return self.part(path or f"{folder}{kind}.xml")

    def relations(self, rels: str, folder: str) -> list[tuple[str, str, str]]:
        """The id, type and path of everything that a part refers to."""
        root = self.part(rels)
        return [
            (
                value(relation, "Id") or "",
                value(relation, "Type") or "",
                posixpath.normpath(
                    posixpath.join("/", folder, value(relation, "Target") or "")
                ).lstrip("/"),
            )
            for relation in (root if root is not None else ())
        ]

    def _related(self, rels: str, folder: str, kind: str) -> str | None:
        return next(
            (path for _, of, path in self.relations(rels, folder) if of.endswith(kind)), None
        )
