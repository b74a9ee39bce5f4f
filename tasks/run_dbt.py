"""dbt in a process of its own, over the project as an earlier run has parsed it.

Parsing its project costs dbt as much as building a small night, and its partial parsing begins anew
when the path of the database changes, as it does with each generation. So what dbt has parsed is
kept beside the project, under a name that hangs on every file of it, its place, and dbt's versions.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = Path(__file__).resolve().parent.parent / "sql"
_FOLDERS = ("models", "macros", "seeds", "tests")
_PACKAGES = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb")


def parsed_project() -> Path:
    """Where this very project is kept as dbt has parsed it."""
    digest = hashlib.sha256(str(PROJECT).encode())
    digest.update(repr([version(name) for name in _PACKAGES]).encode())
    files = [f for name in _FOLDERS for f in (PROJECT / name).rglob("*") if f.is_file()]
    for file in sorted([*files, *PROJECT.glob("*.yml")]):
        digest.update(f"\n{file.relative_to(PROJECT)}\n".encode() + file.read_bytes())
    return PROJECT / "target" / f"parsed-{digest.hexdigest()[:20]}.msgpack"


def _load(path: Path) -> Manifest | None:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        written = path.read_bytes()
    except FileNotFoundError:
        return None
    return Manifest.from_msgpack(written, decoder=extended_mashumuro_decoder)


def _keep(parsed: Path, path: Path) -> None:
    """Written aside and renamed; a project that cannot be written to is parsed every time."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(parsed, aside)
        aside.replace(path)
        for old in path.parent.glob("parsed-*.msgpack"):
            if old != path:
                old.unlink(missing_ok=True)


def main(words: list[str]) -> int:
    """Runs one command of dbt; 0 when all of it succeeded. `--target-path` must be given."""
    gc.set_threshold(50_000, 20, 100)  # looking for cycles cost dbt an eighth of its time
    from dbt.cli.main import dbtRunner

    kept = parsed_project()
    manifest = _load(kept)
    done = dbtRunner(manifest).invoke(words)
    parsed = Path(words[words.index("--target-path") + 1]) / "partial_parse.msgpack"
    if manifest is None and parsed.exists():
        _keep(parsed, kept)
    if done.exception is not None:
        print(done.exception, file=sys.stderr)  # noqa: T201 - the one who started this reads it
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
