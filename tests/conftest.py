"""What tests of several folders share, and the order in which the files of tests are run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import nights
from tests.web import Web, served

# Slow files, the longest first: a worker takes a whole file, and so the workers end together. What
# is not named is short and fills the end. The first does without the shared nights, which the
# worker of the second makes meanwhile.
LONGEST_FIRST = (
    "flows/test_readme.py",
    "flows/test_killed_often.py",
    "browser/test_operator.py",
    "flows/test_archive.py",
    "flows/test_cluster_night.py",
    "models/test_increment.py",
    "flows/test_killed.py",
    "test_publish.py",
    "browser/test_site.py",
    "report/test_mutations.py",
    "flows/test_full_disk.py",
    "flows/test_nightly.py",
    "models/test_sql_mutations.py",
    "flows/test_changed_site.py",
    "report/test_properties.py",
    "models/test_judgements.py",
    "flows/test_site.py",
    "report/test_ocr.py",
    "flows/test_alerts_sent.py",
    "flows/test_bad_input.py",
    "flows/test_stop.py",
    "report/test_fuzz_bytes.py",
    "browser/test_site_report.py",
    "models/test_releases.py",
    "models/test_totals.py",
    "flows/test_soak.py",
    "test_fold.py",
    "test_cluster.py",
    "test_office.py",
    "test_shell.py",
    "flows/test_retention.py",
)

Result = tuple[int, str, str]  # exit code, what was printed, what was complained of
Call = Callable[..., Result]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders whole files; `--no-loadscope-reorder` makes pytest-xdist keep it."""
    rank = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.location[0].removeprefix("tests/"), len(rank)))


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of all workers; each has one of its own below it."""
    base = factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> nights.Chain:
    """Three nights in one warehouse; see `tests.nights`. GONGKAI_NIGHTS=DIR keeps them there."""
    if kept := os.environ.get("GONGKAI_NIGHTS"):
        return nights.chain(Path(kept))
    return nights.chain(shared_folder(tmp_path_factory) / "nights")


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Prefect server for the runs of a worker, since each start costs ten seconds."""
    with nights.prefect(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def web() -> Iterator[Web]:
    """A server that answers every host as the test says."""
    with served() as made:
        yield made


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command line in this process."""
    from flows import cli

    def called(*words: str) -> Result:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["gongkai", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    return called
