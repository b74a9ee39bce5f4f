"""The pictures of the documentation, and whether they still show what is there.

GONGKAI_SCREENSHOTS=1 renews them. What a page is headed by when its picture is taken stands in
docs/images/shown.json; a page that is headed otherwise by now wants a new picture.
"""

from __future__ import annotations

import json
import os
import re

from playwright.sync_api import Page

from tests import nights

FOLDER = nights.CHECKOUT / "docs" / "images"
SHOWN = FOLDER / "shown.json"
HEADS = "h1, h2, h3, thead th, dt, figcaption"


_NAMELESS = r"""() => {
    const named = (text) => text.replace(/\/(?:[\w.-]+\/)+(?:w|last)\b/g, "warehouse");
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.data = named(texts.currentNode.data);
    for (const field of document.querySelectorAll("input, textarea")) {
        if (field.value.startsWith("/")) field.value = named(field.value);
    }
}"""


def taken(page: Page, name: str) -> None:
    """Takes the picture `name`. Where the tests keep their warehouses is nobody's business."""
    page.evaluate(_NAMELESS)
    page.screenshot(path=FOLDER / f"{name}.png")


def picture(page: Page, name: str, *, within: str = "body") -> None:
    """Takes the picture `name` when asked to, else compares what the page is headed by (below the
    element `within`). Numbers are left out: they are of a day."""
    texts = page.locator(", ".join(f"{within} {head}" for head in HEADS.split(", ")))
    heads = sorted({re.sub(r"[\d\W_]+", " ", text).strip() for text in texts.all_inner_texts()})
    known: dict[str, list[str]] = json.loads(SHOWN.read_text("utf-8")) if SHOWN.exists() else {}
    if os.environ.get("GONGKAI_SCREENSHOTS") == "1":
        taken(page, name)
        text = json.dumps(known | {name: heads}, ensure_ascii=False, indent=1, sort_keys=True)
        SHOWN.write_text(text + "\n", encoding="utf-8")
        return
    assert heads == known.get(name), (
        f"docs/images/{name}.png shows another page than there is: renew it as CONTRIBUTING.md says"
    )
