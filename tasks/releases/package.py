"""What stands beside the tables of a release: data package, citation, licence, how to use it."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tasks.releases.shelf import FACTS
from tasks.releases.tables import MARTS, TABLES, field_type, meanings

NOTICE = MARTS.parents[1] / "registry" / "NOTICE"
LICENCE = "CC-BY-4.0"
_LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"
_LICENCE_TITLE = "Creative Commons Attribution 4.0 International"
TITLE = "gongkai: annual reports of China's organs on the disclosure of government information"
ABSTRACT = (
    "What Chinese administrative organs publish in their annual government-information disclosure "
    "reports (政府信息公开工作年度报告, Regulation of 2019, Art. 49-50): every cell of the "
    "statutory tables as published, with the page it comes from, whose report it is and why, what "
    "contradicts what, and totals in which each unit counts once. From official pages only."
)
_DEMO = (
    "THIS IS A DEMO: the pages were made up by a local publisher. Do not cite it, and do not use "
    "its numbers."
)


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Writes every file of a release but its tables and its list of hashes."""
    _json(folder / FACTS, facts)
    _json(folder / "datapackage.json", data_package(facts))
    cff = yaml.safe_dump(citation(facts), allow_unicode=True, sort_keys=False, width=100)
    (folder / "CITATION.cff").write_text(cff, encoding="utf-8")
    (folder / "LICENCE.md").write_text(licence(facts), encoding="utf-8")
    (folder / "NOTICE").write_text(NOTICE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "README.md").write_text(readme(facts), encoding="utf-8")


def _json(path: Path, value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def data_package(facts: dict[str, Any]) -> dict[str, Any]:
    """The Frictionless descriptor: CSV resources with their schema, Parquet ones beside them."""
    resources = [_csv(table) for table in facts["tables"]]
    resources += [_parquet(table) for table in facts["tables"]]
    return {
        "profile": "data-package",
        "name": f"gongkai-{facts['release']}",
        "title": _title(facts),
        "description": f"{_DEMO} {ABSTRACT}" if facts["demo"] else ABSTRACT,
        "version": facts["release"],
        "schema_version": facts["schema_version"],
        "created": facts["frozen_at"],
        "licenses": [{"name": LICENCE, "path": _LICENCE_URL, "title": _LICENCE_TITLE}],
        "contributors": [{"title": "The gongkai contributors", "role": "author"}],
        **({"contact": facts["contact"]} if facts["contact"] else {}),
        "resources": resources,
    }


def _title(facts: dict[str, Any]) -> str:
    return f"{'[DEMO] ' if facts['demo'] else ''}{TITLE}, release {facts['release']}"


def _csv(table: dict[str, Any]) -> dict[str, Any]:
    description, columns = meanings(table["name"])
    known = next(t for t in TABLES if t.name == table["name"])
    fields = [
        {
            "name": column["name"],
            "type": field_type(column["type"]),
            "description": columns[column["name"]],
        }
        for column in table["columns"]
    ]
    schema: dict[str, Any] = {
        "fields": fields,
        "primaryKey": list(known.key),
        "missingValues": [""],
    }
    if known.references:
        schema["foreignKeys"] = [
            {"fields": list(own), "reference": {"resource": other, "fields": list(own)}}
            for own, other in known.references
        ]
    packed = table["csv"]["path"].endswith(".gz")
    return {
        "name": table["name"],
        "profile": "tabular-data-resource",
        "title": table["name"],
        "description": description,
        **_file(table["csv"]),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        **({"compression": "gz"} if packed else {}),
        "schema": schema,
    }


def _parquet(table: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{table['name']}-parquet",
        "title": f"{table['name']} as Parquet",
        "description": f"The same rows and columns as the resource {table['name']}.",
        "type": "file",  # for programs that do not read Parquet: the hash is checked all the same
        **_file(table["parquet"]),
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
    }


def _file(file: dict[str, Any]) -> dict[str, Any]:
    return {"path": file["path"], "bytes": file["bytes"], "hash": f"sha256:{file['sha256']}"}


def citation(facts: dict[str, Any]) -> dict[str, Any]:
    """CITATION.cff, format 1.2.0."""
    contact = facts["contact"]
    told: dict[str, Any] = {}
    if contact:
        kind = "website" if contact.startswith(("https://", "http://")) else "email"
        told = {"contact": [{"name": "Corrections", kind: contact.removeprefix("mailto:")}]}
    return {
        "cff-version": "1.2.0",
        "message": _DEMO if facts["demo"] else "If you use these data, cite this release.",
        "type": "dataset",
        "title": _title(facts),
        "abstract": ABSTRACT,
        "authors": [{"name": "The gongkai contributors"}],
        **told,
        "version": facts["release"],
        "date-released": facts["frozen_at"][:10],
        "license": LICENCE,
        "keywords": ["政府信息公开", "freedom of information", "China", "open government"],
    }


def licence(facts: dict[str, Any]) -> str:
    """The licence of the data, and what it rests on."""
    return _filled("licence.md", release=facts["release"])


def readme(facts: dict[str, Any]) -> str:
    """What is in the release, how to cite, query and check it, and whom to write to."""
    rows = [
        f"| `{t['name']}` | {t['rows']:,} | {meanings(t['name'])[0]} | {t['csv']['path']} |"
        for t in facts["tables"]
    ]
    left_out = [f"- `{name}`: {why}." for name, why in facts["left_out"].items()]
    nobody = "whoever gave you this copy; the release was made without an address"
    return _filled(
        "readme.md",
        title=_title(facts),
        abstract=f"**{_DEMO}**\n\n{ABSTRACT}" if facts["demo"] else ABSTRACT,
        rows="\n".join(rows),
        left_out="\n".join(left_out),
        release=facts["release"],
        frozen_at=facts["frozen_at"],
        data_until=facts["data_until"] or "(no run)",
        schema_version=facts["schema_version"],
        contact=facts["contact"] or nobody,
    )


def _filled(template: str, **words: str) -> str:
    text = (Path(__file__).parent / template).read_text(encoding="utf-8")
    fixed = {
        "licence": LICENCE,
        "licence_title": _LICENCE_TITLE,
        "licence_url": _LICENCE_URL,
    }
    return Template(text).substitute(fixed | words)
