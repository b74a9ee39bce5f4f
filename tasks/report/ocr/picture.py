"""A picture's bytes into a grey page that stands upright: light paper, dark ink, level lines.

Needs the extra `gongkai[ocr]`. The red channel makes a red seal vanish into the paper and leaves
black and blue ink as they are. A tilt is told by the long lines; where those of a side and of its
opposite run at different angles, the page was photographed and is set straight by the four corners
of its largest table.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from tasks.report.model import Reject

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

MOST_PIXELS = 60_000_000  # an A4 page at 600 dpi has 35 million
MOST_SEE_THROUGH = 36_000_000  # of a picture with transparency, which takes twice the memory
LONGEST_SIDE = 2600  # of the page as it is read: A4 at 220 dpi; text is no clearer above
SMALLEST_SIDE = 300  # a picture with a smaller side holds no statutory table
MOST_FRAMES = 40  # pages of one TIFF
_DARK, _PALE, _BETWEEN = 64, 192, 0.1  # greys of ink and of paper; the share of others to ink's
_DARKER = 26  # grey values by which ink is darker than the paper around it
_RED = 40  # by which the red channel is brighter than the others in red ink
_WHOLE = 0.7  # of the reddest around is what is red all over
_LIGHT = 0.6  # of the paper's red is that of red ink without black
_LEAST_SEAL = 50  # pixels of a seal
_BESIDE = 0.01  # share of a seal's pixels around what it may touch
_GAIN = 0.05  # by which parts of a seal are darker than others
_EDGE, _STEEP = 0.3, 3.0  # the share of a seal's colour at its edge, and how soon it is whole
_TILT = 10.0  # degrees beyond which a line is not a tilted level one
_LONG = 14  # lines longer than this part of the page's width tell its tilt
_PARALLEL = 0.25  # degrees by which opposite sides of a flat page may differ


@dataclass(slots=True)
class Picture:
    """An upright page. `coloured` is how dark every pixel is in the channels other than red: ink
    there and none in `grey` is red. `bilevel`: it was black and white alone, so that how dark its
    strokes are tells nothing of those it lost."""

    grey: Grey
    coloured: Grey
    bilevel: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.grey.shape[1], self.grey.shape[0]

    def turned(self, quarters: int) -> Picture:
        """The picture after so many quarter turns to the left."""
        grey, coloured = (
            np.ascontiguousarray(np.rot90(channel, quarters))
            for channel in (self.grey, self.coloured)
        )
        return Picture(grey, coloured, self.bilevel)


def open_pictures(data: bytes) -> Iterator[Picture]:
    """The pages of a picture file (several in a TIFF), upright. Raises Reject."""
    return map(upright, colours(data))


def colours(data: bytes) -> Iterator[npt.NDArray[np.uint8]]:
    """The pages of a picture file as they are, in RGB. Raises Reject."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            most = MOST_SEE_THROUGH if _is_see_through(image) else MOST_PIXELS
            if image.width * image.height > most:
                raise Reject("too_large", f"the picture has {image.width} x {image.height} pixels")
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format in ("GIF", "PNG", "WEBP"):
                raise Reject("uncertain_picture", "the picture moves: it shows several in turn")
            frames = frames if image.format == "TIFF" else 1
            if frames > MOST_FRAMES:
                raise Reject(
                    "too_large", f"the picture has {frames} pages, more than {MOST_FRAMES}"
                )
            for frame in range(frames):
                image.seek(frame)
                yield np.asarray(ImageOps.exif_transpose(_flat(image)))
    except UnidentifiedImageError:  # whose message names an address in memory
        raise Reject("broken_file", "the picture cannot be opened: its format is unknown") from None
    except (OSError, ValueError, SyntaxError, EOFError) as trouble:
        raise Reject("broken_file", f"the picture cannot be opened: {trouble}") from None
    except Image.DecompressionBombError:
        raise Reject("too_large", "the picture is too large") from None


def _is_see_through(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _flat(image: Image.Image) -> Image.Image:
    """RGB on white, not too large: what is transparent shows the paper."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits, of which convert keeps eight
        held = np.asarray(image)
        image = Image.fromarray((held >> 8 if held.max() > 255 else held).astype(np.uint8))
    see_through = _is_see_through(image)
    if see_through or image.mode not in ("L", "RGB"):
        image = image.convert("RGBA" if see_through else "RGB")
    longest = max(image.size)
    if longest > LONGEST_SIDE:  # before anything else is made of it: it may be large
        scale = LONGEST_SIDE / longest
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    if see_through:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def upright(rgb: npt.NDArray[Any]) -> Picture:
    """A page whose lines are level, from its colours."""
    grey, coloured = _without_red(rgb), np.minimum(rgb[:, :, 1], rgb[:, :, 2])
    dark = np.count_nonzero(grey < _DARK)
    bilevel = np.count_nonzero(grey < _PALE) - dark < _BETWEEN * dark
    matrix = _correction(grey)
    if matrix is not None:
        size = (grey.shape[1], grey.shape[0])
        grey, coloured = (
            np.asarray(
                cv2.warpPerspective(
                    channel, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
                ),
                np.uint8,
            )
            for channel in (grey, coloured)
        )
    return Picture(grey, coloured, bool(bilevel))


def _without_red(rgb: npt.NDArray[Any]) -> Grey:
    """How light a page is where red ink is as light as the paper, and what lies below it is not.

    The red channel alone shows the edge of a seal as a line, because JPEG keeps colour in half the
    detail of lightness. So colour only says how much of a pixel is red ink, with small gaps closed,
    in which black lies; how light it is says lightness, against that of the seal around it.
    """
    red, green, blue = cv2.split(rgb)
    redness = cv2.subtract(red, cv2.max(green, blue))
    small = cv2.resize(red, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA)
    paper = cv2.resize(cv2.dilate(small, np.ones((5, 5), np.uint8)), red.shape[::-1])
    reach = red.shape[1] // 40
    reddest = cv2.dilate(redness, np.ones((reach, reach), np.uint8))
    seal = (redness > _WHOLE * reddest) & (redness > _RED) & (red > _LIGHT * paper)
    if np.count_nonzero(seal) < _LEAST_SEAL:
        return np.asarray(red, np.uint8)
    left, top, wide, high = cv2.boundingRect(seal.astype(np.uint8))
    window = np.s_[
        max(0, top - reach) : top + high + reach, max(0, left - reach) : left + wide + reach
    ]
    light, tint, _ = cv2.split(cv2.cvtColor(np.ascontiguousarray(rgb[window]), cv2.COLOR_RGB2YCrCb))
    tint = np.maximum(tint, 128) - 128
    own = seal[window].astype(np.float32)
    share = cv2.blur(own, (reach, reach))
    its_light, its_tint = (
        cv2.blur(own * v, (reach, reach)) / (share + 1e-6) for v in (light, tint)
    )
    near = share > _BESIDE
    covered = np.where(near, tint / np.maximum(its_tint, 1), 0).astype(np.float32)
    closed = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    whole = np.clip(_STEEP * (closed - _EDGE) + 0.5, 0, 1)
    darker = 1 - np.minimum(1, its_light / np.maximum(paper[window], 1))
    lifted = np.minimum(255, light * (1 + _GAIN * whole) / (1 - whole * darker))
    red[window] = np.where(near, lifted, red[window])
    return np.asarray(red, np.uint8)


def ink(grey: Grey) -> Grey:
    """Where a page is darker than its paper: 255, else 0."""
    block = max(15, grey.shape[1] // 40) | 1
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    return np.asarray(
        cv2.adaptiveThreshold(
            smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, _DARKER
        ),
        np.uint8,
    )


def _correction(grey: Grey) -> Floats | None:
    """The map that makes the page's lines level, or None when they are."""
    level, plumb = _long_lines(grey)
    if len(level) == 0:
        return None
    tilt = _median_angle(level)
    height, width = grey.shape
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1.0), [0, 0, 1]])
    if not _is_flat(level, plumb, tilt, grey.shape):
        corners = _corners(grey)
        if corners is not None:
            return corners
    return turn if abs(tilt) > 0.03 else None


def _long_lines(grey: Grey) -> tuple[Floats, Floats]:
    """The long lines as rows of (x0, y0, x1, y1, angle from their own axis): level and upright."""
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    found: Any = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(half)[0]
    if found is None:
        return np.empty((0, 5)), np.empty((0, 5))
    lines = 2 * found.reshape(-1, 4).astype(float)
    dx, dy = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    long = np.hypot(dx, dy) > grey.shape[1] / _LONG
    level = (np.degrees(np.arctan2(dy, dx)) + 90) % 180 - 90
    plumb = (np.degrees(np.arctan2(dy, dx)) + 180) % 180 - 90
    return (
        np.column_stack([lines, level])[long & (np.abs(level) < _TILT)],
        np.column_stack([lines, plumb])[long & (np.abs(plumb) < _TILT)],
    )


def _median_angle(lines: Floats) -> float:
    """The angle that half of the lines' length lies below."""
    order = np.argsort(lines[:, 4])
    lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])[order]
    half = np.searchsorted(np.cumsum(lengths), lengths.sum() / 2)
    near = lines[order, 4][half]
    close = np.abs(lines[:, 4] - near) < 0.5
    weights = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])[close]
    return float(np.average(lines[close, 4], weights=weights))


def _is_flat(level: Floats, plumb: Floats, tilt: float, shape: tuple[int, ...]) -> bool:
    """Whether opposite lines run alike and the upright ones stand at right angles to the level."""
    for lines, extent, axis in ((level, shape[0], 1), (plumb, shape[1], 0)):
        if len(lines) < 4:
            continue
        middle = (lines[:, axis] + lines[:, axis + 2]) / 2
        if np.ptp(middle) < 0.2 * extent:
            continue
        slope = np.polyfit(middle, lines[:, 4], 1)[0]
        if abs(slope) * np.ptp(middle) > _PARALLEL:
            return False
    return len(plumb) < 2 or abs(_median_angle(plumb) - tilt) <= _PARALLEL


def _corners(grey: Grey) -> Floats | None:
    """The map that makes a rectangle of the largest table's four corners."""
    height, width = grey.shape
    dark = ink(grey)
    reach = max(20, width // 40)
    lines = cv2.bitwise_or(
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, reach), np.uint8)),
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((reach, 1), np.uint8)),
    )
    lines = cv2.dilate(lines, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(lines, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    points = max(contours, key=lambda c: cv2.contourArea(cv2.convexHull(c))).reshape(-1, 2)
    total, difference = points.sum(axis=1), points[:, 0] - points[:, 1]
    corners = np.array(
        [
            points[total.argmin()],
            points[difference.argmax()],
            points[total.argmax()],
            points[difference.argmin()],
        ],
        np.float32,
    )
    left, top = (corners[[0, 3], 0].mean(), corners[[0, 1], 1].mean())
    right, bottom = (corners[[1, 2], 0].mean(), corners[[2, 3], 1].mean())
    if right - left < width / 4 or bottom - top < height / 10:
        return None
    square = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, square), float)
