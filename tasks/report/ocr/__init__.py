"""Pictures of tables as a `Source`: the front door of everything optical.

Its libraries come with the extra `gongkai[ocr]` and are loaded when the first picture is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from tasks.report.model import Place, Reject, Source

INSTALL = "pip install 'gongkai[ocr]'"
LATER = "pictures are read after the other documents, or by gongkai replay --reason needs_ocr"
_NEEDED = ("cv2", "numpy", "onnxruntime", "rapidocr", "PIL")


def marked(data: bytes, held: Sequence[bytes], places: Sequence[Place]) -> list[bytes]:
    """What a document shows around these places of its pictures, as a PNG for each page: the cells
    in red frames. `held` are its pictures, if it is no PDF."""
    shown: list[bytes] = import_module("tasks.report.ocr.scanned").marked(data, held, places)
    return shown


@cache
def installed() -> bool:
    """Whether the extra is there."""
    return all(find_spec(name) for name in _NEEDED)


def hint(*, tried: bool) -> str:
    """What helps a document that was refused with needs_ocr."""
    if not installed():
        return f"; to read it: {INSTALL}"
    return "" if tried else f"; {LATER}"


def source(pictures: Sequence[bytes]) -> Source:
    """The blocks of pictures that make one report, in their order; places count them as pages.

    Each is a PNG, JPEG, TIFF, BMP, GIF or WebP. Raises Reject: needs_ocr without the extra,
    broken_file, too_large.
    """
    if not installed():
        raise Reject("needs_ocr", "the document is a picture")
    found: Source = import_module("tasks.report.ocr.scanned").source(pictures)
    return found
