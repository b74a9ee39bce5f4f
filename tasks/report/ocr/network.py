"""The recogniser: PP-OCRv6 as rapidocr's wheel carries it, run by onnxruntime on one core.

Only the model is taken from the package: its own loader fetches what it misses from the network,
and here nothing is ever fetched. What the network says of every step is kept, not only its best
guess, because a number is believed only where it leaves no second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from tasks.report.model import Reject
from tasks.report.ocr.picture import Grey

HEIGHT = 48  # pixels, what the network was trained on
BATCH = 4  # more is no faster on one core and takes more memory
_WIDE = 400  # pixels of a line
_WIDEST = 2048
_MODEL = "*_rec_*.onnx"
NUMERIC = (
    "0OoQ〇○",
    "1lI|丨",
    "2Z",
    "3",
    "4",
    "5S",
    "6",
    "7",
    "8B",
    "9",
    ".．",
    ",，",
    "-－—一",
    "+",
    "/",
)
"""The characters of numbers, each with those that it looks like: in a cell of a number nothing else
can be meant."""

Floats = npt.NDArray[np.float32]


class Alphabet(NamedTuple):
    """The characters the network knows by number; number 0 says "no character here"."""

    characters: list[str]
    numbers: dict[str, int]


@cache
def _session() -> Any:
    spec = find_spec("rapidocr")
    folder = Path(spec.origin or "").parent / "models" if spec else Path()
    found = sorted(folder.glob(_MODEL))
    if not found:
        raise Reject("needs_ocr", "rapidocr is installed without its models: install it again")
    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(found[-1]), options, providers=["CPUExecutionProvider"])


@cache
def alphabet() -> Alphabet:
    """The network's characters, from the model file itself."""
    known = _session().get_modelmeta().custom_metadata_map["character"].splitlines()
    characters = ["", *known, " "]
    return Alphabet(characters, {c: i for i, c in reversed(list(enumerate(characters)))})


@cache
def _columns() -> list[list[int]]:
    numbers = alphabet().numbers
    return [[0], *([numbers[c] for c in alike if c in numbers] for alike in NUMERIC)]


class Said(NamedTuple):
    """What the network says of one line, step by step: its best guess, and the probabilities of "no
    character" and of every character of NUMERIC; and its mean probability of what it guesses."""

    guess: npt.NDArray[np.int64]
    numeric: Floats
    sure: float = 0.0


def recognise(lines: Sequence[Grey]) -> list[Said]:
    """What the network says of lines, each a grey picture HEIGHT pixels high."""
    session = _session()
    out: dict[int, Said] = {}
    order = sorted(range(len(lines)), key=lambda i: lines[i].shape[1])
    while order:
        # Long lines one by one: their memory is what a batch may take.
        widest = lines[order[min(BATCH, len(order)) - 1]].shape[1]
        batch = order[: BATCH if widest <= _WIDE else 1]
        del order[: len(batch)]
        width = max(16, *(lines[i].shape[1] for i in batch))
        width = min(_WIDEST, (width + 7) // 8 * 8)
        block = np.zeros((len(batch), 3, HEIGHT, width), np.float32)
        for k, i in enumerate(batch):
            line = lines[i]
            if line.shape[1] > width:
                line = np.asarray(cv2.resize(line, (width, HEIGHT)), np.uint8)
            block[k, :, :, : line.shape[1]] = line.astype(np.float32) / 127.5 - 1
        for i, said in zip(batch, session.run(None, {"x": block})[0], strict=True):
            numeric = [said[:, columns].sum(axis=1) for columns in _columns()]
            guess = said.argmax(axis=1)
            sure = said.max(axis=1)[guess > 0]
            out[i] = Said(
                guess, np.stack(numeric, axis=1), float(sure.mean()) if len(sure) else 0.0
            )
    return [out[i] for i in range(len(lines))]


def text_of(said: Said) -> str:
    """The text of the best path."""
    characters = alphabet().characters
    text, before = "", 0
    for index in said.guess.tolist():
        if index and index != before:
            text += characters[index]
        before = index
    return text
