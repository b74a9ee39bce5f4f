"""A report as pictures: its PDF printed, then scanned or photographed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random

import numpy as np
import pypdfium2
from PIL import Image, ImageDraw, ImageFilter

from tests.publisher.document import Document
from tests.publisher.pdf import FONT, pdf


@dataclass(frozen=True, slots=True)
class Scan:
    """How a page was printed and taken. Everything follows from the arguments and the seed."""

    dpi: int = 150
    font: str = FONT  # of the figures
    tilt: float = 0.0  # degrees
    noise: float = 0.0  # standard deviation of the grey values, of 255
    blur: float = 0.0  # radius in pixels
    jpeg: int | None = None  # quality; PNG without
    seal: bool = False  # a round red seal over the tables of every page
    perspective: float = 0.0  # by which share of the page's side its corners are off
    shade: float = 0.0  # by which share one side of the page is darker
    turned: int = 0  # a page laid on the glass sideways: 90, 180, 270


def scanned(document: Document, scan: Scan, seed: int = 1) -> list[bytes]:
    """The pages of a report as pictures (PNG or JPEG)."""
    rng = Random(f"scan {seed}")
    pages = pypdfium2.PdfDocument(pdf(document, figure_font=scan.font))
    out = []
    for page in pages:
        image = page.render(scale=scan.dpi / 72).to_pil().convert("RGB")
        out.append(_encoded(_taken(image, scan, rng), scan))
    pages.close()
    return out


def scanned_pdf(pictures: list[bytes], dpi: float = 150) -> bytes:
    """The pictures as the pages of a PDF, without a text layer."""
    pages = [Image.open(io.BytesIO(p)).convert("RGB") for p in pictures]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=dpi)
    return out.getvalue()


def _encoded(image: Image.Image, scan: Scan) -> bytes:
    out = io.BytesIO()
    if scan.jpeg is None:
        image.save(out, "PNG")
    else:
        image.save(out, "JPEG", quality=scan.jpeg)
    return out.getvalue()


def _taken(image: Image.Image, scan: Scan, rng: Random) -> Image.Image:
    """What scanner or camera makes of a page."""
    if scan.seal:
        image = _sealed(image, scan, rng)
    if scan.perspective:
        image = _photographed(image, scan.perspective, rng)
    if scan.tilt:
        tilt = scan.tilt * rng.choice((-1, 1))
        image = image.rotate(tilt, Image.Resampling.BICUBIC, fillcolor="white")
    if scan.turned:
        image = image.rotate(scan.turned, expand=True)
    if scan.blur:
        image = image.filter(ImageFilter.GaussianBlur(scan.blur))
    if scan.noise or scan.shade:
        values = np.asarray(image).astype(np.float32)
        if scan.shade:
            values *= np.linspace(1, 1 - scan.shade, values.shape[1])[None, :, None]
        grain = np.random.default_rng(rng.randrange(2**32))
        values += grain.normal(0, scan.noise, values.shape[:2])[..., None]
        image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    return image


def _sealed(image: Image.Image, scan: Scan, rng: Random) -> Image.Image:
    """A red ring with a star, as ink: it darkens, it does not cover."""
    size = round(1.65 * scan.dpi)  # 42 mm
    seal = Image.new("RGB", image.size, "white")
    draw = ImageDraw.Draw(seal)
    for _ in range(2):
        x = rng.randint(0, image.width - size)
        y = rng.randint(image.height // 4, max(image.height // 4 + 1, image.height - size))
        red = (225, rng.randint(20, 70), rng.randint(20, 70))
        draw.ellipse((x, y, x + size, y + size), outline=red, width=max(3, size // 30))
        points = []
        for k in range(10):
            reach = size * (0.2 if k % 2 == 0 else 0.08)
            angle = np.pi * (k / 5 - 0.5)
            points.append(
                (x + size / 2 + reach * np.cos(angle), y + size / 2 + reach * np.sin(angle))
            )
        draw.polygon(points, fill=red)
    both = np.minimum(np.asarray(image), np.asarray(seal))
    return Image.fromarray(both)


def _photographed(image: Image.Image, share: float, rng: Random) -> Image.Image:
    """The page as a camera sees it that was not held straight above it."""
    wide, high = image.size

    def off() -> tuple[float, float]:
        return rng.uniform(0, share) * wide, rng.uniform(0, share) * high

    (a, b), (c, d), (e, f), (g, h) = off(), off(), off(), off()
    corners = ((-a, -b), (-c, high + d), (wide + e, high + f), (wide + g, -h))
    flat = [value for corner in corners for value in corner]
    return image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        _coefficients(flat, wide, high),
        Image.Resampling.BICUBIC,
        fillcolor="white",
    )


def _coefficients(corners: list[float], wide: int, high: int) -> list[float]:
    """The map from the picture to the page that puts the picture's corners on these points."""
    at = ((0, 0), (0, high), (wide, high), (wide, 0))
    rows, right = [], []
    for (x, y), u, v in zip(at, corners[::2], corners[1::2], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(v) for v in np.linalg.solve(np.array(rows, float), np.array(right, float))]
