"""Takes over from the site before what would be written again just as it is: whole provinces.

A site remembers for each province a mark of all that its pages and data are made of
(`built.json`). Where the mark is the same, its data are the same files, and its pages are copied
with the run that they name put right. So a site has the same bytes whether it was made from nothing
or from another one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from markupsafe import escape

from tasks.site.areas import Area
from tasks.site.facts import Trend
from tasks.site.pages import FOLDER, Pages, called
from tasks.site.tables import Tables
from tasks.site.words import LANGUAGES, words

FILE = "built.json"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a site was made of. `everywhere`: what no province is written without, the code too."""

    run_id: str
    ended: str
    everywhere: str
    provinces: dict[str, str]

    @classmethod
    def of(
        cls, tables: Tables, pages: Pages, roots: list[Area], trends: dict[str, list[Trend]]
    ) -> Marks:
        """Those of the published tables."""
        measures = tables.rows("from published.measures order by all")
        night = pages.night
        shared = [_code(), measures, pages.year, night.demo, bool(night.run_id)]
        rows = tables.marks()
        return cls(
            night.run_id,
            night.ended,
            _digest(shared),
            {root.id: _digest([rows.get(root.id), *_shown(root, trends)]) for root in roots},
        )

    @classmethod
    def read(cls, site: Path) -> Marks | None:
        """Those that a site was written with; None when it does not say."""
        try:
            return cls(**json.loads((site / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, site: Path) -> None:
        """Leave them for the next."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True)
        (site / FILE).write_text(text + "\n", encoding="utf-8")

    def made(self, root_id: str) -> str:
        """What the pages and the data of a province carry, so that a page knows data of its own
        state: the same for as long as nothing changed."""
        return _digest([self.everywhere, self.provinces[root_id]])[:16]

    def same(self, before: Marks | None) -> set[str]:
        """The provinces whose files are as they were."""
        if before is None or before.everywhere != self.everywhere:
            return set()
        return {r for r, mark in self.provinces.items() if before.provinces.get(r) == mark}


def _digest(what: object) -> str:
    return sha256(repr(what).encode()).hexdigest()[:32]


def _shown(root: Area, trends: dict[str, list[Trend]]) -> list[object]:
    return [
        [
            *(a.id, a.name, a.level, a.code, a.parent and a.parent.id, a.reports, a.violated),
            *(sorted(a.whole.items()), sorted(a.stands), sorted(a.reviewed), trends.get(a.id)),
        ]
        for a in root.under()
    ]


def _code() -> list[str]:
    """Everything that the pages are written by; DuckDB's hashes hang on its version."""
    digest = sha256()
    here = Path(__file__).resolve().parent
    for folder in (here, here.parent / "report"):
        for file in sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc"):
            digest.update(f"{file.relative_to(here.parent)}\n".encode() + file.read_bytes())
    digest.update((here.parent / "failures.csv").read_bytes())
    return [digest.hexdigest(), *map(version, ("duckdb", "jinja2", "markupsafe"))]


def take(site: Path, before: Marks, root: Area, pages: Pages, made: str) -> bool:
    """Take the files of a province from the site before, as of this night.

    False when one is not there, or is not as it was written: the province is then written anew.
    """
    was, now = (before.run_id, before.ended), (pages.night.run_id, pages.night.ended)
    links = [(f"search/{root.id}.js", "")]
    try:
        for area in root.under():
            if area.has_page:
                for language in LANGUAGES:
                    path = f"{FOLDER[language]}area/{area.id}.html"
                    stamps = zip(_named(language, *was), _named(language, *now), strict=True)
                    _copy(site, pages.folder, path, stamps)
            for file in sorted((site / "data" / area.id).glob("*.js")):
                name = f"{area.id}/{file.stem}"
                links.append((f"data/{name}.js", called("gongkai.data", name, made)))
        for path, begins in links:
            _check(site / path, begins)
        for path, _ in links:
            _link(site / path, pages.folder / path)
    except (OSError, ValueError):
        # What is written anew must not be written into the files of the site before.
        for path, _ in links:
            (pages.folder / path).unlink(missing_ok=True)
        return False
    return True


def _named(language: str, run_id: str, ended: str) -> list[str]:
    """The places of a page that name the run, as the template writes them."""
    if not run_id:
        return []
    said = words(language)("foot.stand", ended=ended, run=run_id)
    return [f' data-run="{escape(run_id)}"', f"<p>{escape(said)}</p>"]


def _copy(site: Path, folder: Path, path: str, stamps: Iterable[tuple[str, str]]) -> None:
    data = (site / path).read_bytes()
    for old, new in stamps:
        before, found, after = data.partition(old.encode())
        if not found:
            raise ValueError(f"{path} does not say {old}")
        data = before + new.encode() + after
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _check(path: Path, begins: str) -> None:
    expected = begins.encode()
    with path.open("rb") as file:
        if file.read(len(expected)) != expected:
            raise ValueError(f"{path} does not begin with {begins}")


def _link(source: Path, target: Path) -> None:
    """The same file in both sites: it is never written to again. A copy where that cannot be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
