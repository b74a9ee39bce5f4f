"""What a person would click to go on: the links and buttons of a pager, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from bs4 import BeautifulSoup, Tag

from tasks.listing.html import compact, resolved

_NEXT = re.compile(
    r"下一?[页頁](?:[(（]\d{1,4}[)）])?|后一?[页頁]|[向往]后(?:翻页?)?|后翻页?"
    r"|next(?:page)?|[>＞›»]+",
    re.IGNORECASE,
)
_NEXT_PAGE = re.compile("(?:下一?|后一?)[页頁]")
_NUMBER = re.compile(r"第?\d{1,4}[页頁]?")
_ORNAMENTS = re.compile(r"^[\W_]+|[\W_]+$")
_LONGEST = 20  # characters of a control's text
_NEXT_CLASS = re.compile(r"(?:^|\s)next(?:[-_]?(?:page|btn))?(?:\s|$)", re.IGNORECASE)
_DISABLED = re.compile("disable|unable|no-?_?link|gr[ae]y", re.IGNORECASE)
_QUOTED = re.compile(r"[\"']([^\"'\s<>]{1,300})[\"']")
_CALL = re.compile(r"\b(?!void\b)[A-Za-z_$][\w$.]{0,60}\s{0,5}\([^)]")
# 共3页, 共 3 页, 1/3页, 总页数:3
_STATED = re.compile(r"(?:共|/)(\d{1,4})[页頁](?![面码])|总[页頁]数:?(\d{1,4})(?!\d)")


class Control(NamedTuple):
    """A link or button that says it leads to the next page or to one by its number.

    `url` is None where only a script knows it; `read`: the address stands in a script, or nothing
    but its class says what the control is.
    `waits`: it names the next page in words, and a script is tied to it.
    """

    text: str
    is_next: bool
    url: str | None
    read: bool = False
    waits: bool = False


def controls(soup: BeautifulSoup, base: str) -> Iterator[Control]:
    """The pager's controls in page order, the page's own `rel=next` first."""
    for tag in soup.find_all("link", rel="next", href=True):
        yield Control("rel=next", True, resolved(base, str(tag["href"])))
    for tag in soup.find_all(lambda tag: tag.name in ("a", "button") or "onclick" in tag.attrs):
        if tag.name not in ("a", "button") and len([*islice(tag.descendants, 8)]) > 7:
            continue  # no button but a part of the page
        texts = _texts(tag)
        is_next = any(map(says_next, texts)) or "next" in (tag.get("rel") or ())
        named = is_next or any(_ORNAMENTS.sub("", t) for t in texts)
        is_next = is_next or (not named and bool(_NEXT_CLASS.search(_classes(tag))))
        text = next((t for t in texts if says_next(t)), texts[0] if texts else "")
        if not is_next and not any(map(says_number, texts)):
            continue
        url, read = _address(tag, base)
        read |= not named  # by its class alone
        script = " ".join(f"{tag.get('onclick') or ''} {tag.get('href') or ''}".split())
        disabled = tag.has_attr("disabled") or _DISABLED.search(_classes(tag))
        waits = bool(_NEXT_PAGE.search(text) and not disabled and url is None)
        shown = f"{text} {script}".strip()[:100] if waits and _CALL.search(script) else text
        yield Control(shown, is_next, url, read, waits)


def says_next(text: str) -> bool:
    """Whether a control's text means the next page: 下一页, Next », [下一页], >."""
    return _says(_NEXT, text)


def says_number(text: str) -> bool:
    """Whether a control's text is the number of a page: 2, [2], 第2页."""
    return _says(_NUMBER, text)


def _says(meaning: re.Pattern[str], text: str) -> bool:
    text = "".join(text.split())
    if len(text) > _LONGEST:
        return False
    return any(meaning.fullmatch(t) for t in (text, _ORNAMENTS.sub("", text)))


def has_script(control: Control) -> bool:
    """Whether a control that waits names the script it waits for."""
    return control.waits and bool(_CALL.search(control.text))


def stated_pages(soup: BeautifulSoup) -> int:
    """How many pages the listing says it has (共3页); 0 when it does not say."""
    found = _STATED.search(compact(soup.get_text(" ")))
    return int(found[1] or found[2]) if found else 0


def _texts(tag: Tag) -> list[str]:
    """What a control says, and what the attributes of it and its picture say."""
    said = [tag.get_text()]
    said += [str(tag.get(name) or "") for name in ("title", "aria-label", "value")]
    for image in tag.find_all("img", limit=2):
        said += [str(image.get(name) or "") for name in ("alt", "title")]
    return [" ".join(s.split()) for s in said if s.strip()]


def _classes(tag: Tag) -> str:
    return " ".join(tag.get_attribute_list("class"))


def _address(tag: Tag, base: str) -> tuple[str | None, bool]:
    """Where a control leads, and whether that was read from a script."""
    href = str(tag.get("href") or "")
    scripted = href.lower().startswith("javascript:")
    if href and not scripted and (url := resolved(base, href)):
        return url, False
    for script in (str(tag.get("onclick") or ""), href if scripted else ""):
        for quoted in _QUOTED.findall(script[:1000]):
            if re.search("[./?]", quoted) and (url := resolved(base, quoted)):
                return url, True
    return None, False
