"""A newcomer types every command of the README, in a fresh checkout with an empty HOME.

Requests for official sites go to the bundled publisher, as they do in `make run`.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.server import announced, free_port
from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = nights.CHECKOUT


def commands(page: str) -> list[str]:
    """The commands in the ```sh blocks of a page, one a line, without their comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [re.sub(r"\s{2,}#.*$", "", line).strip() for line in lines]


@dataclass
class Newcomer:
    """A fresh checkout and what a person there has typed so far."""

    checkout: Path
    settings: dict[str, str]

    def types(self, command: str, seconds: float = 900) -> str:
        """Runs one line in the checkout; what it printed."""
        export = re.fullmatch(r"export (\w+)=(\S+)", command)
        if export:
            self.settings[export[1]] = export[2]
            return ""
        # the environment is set up by whoever runs the tests, and not again from here
        words = command.replace("make ", "make -o .venv/.ready ", 1)
        done = subprocess.run(
            ["bash", "-c", words],
            cwd=self.checkout,
            env=self.settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def serves(self, command: str) -> None:
        """Starts what runs until it is stopped, waits until it answers, and stops it."""
        child = subprocess.Popen(
            shlex.split(command),
            cwd=self.checkout,
            env=self.settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            home = self.checkout / self.settings["GONGKAI_WAREHOUSE"] / ".prefect"
            deadline = time.monotonic() + 180
            while announced(home) is None:
                assert child.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.5)
            child.send_signal(signal.SIGTERM)
            assert child.wait(60) == 0
        finally:
            child.kill()
            child.wait(10)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    base = tmp_path_factory.mktemp("newcomer")
    checkout, home = base / "gongkai", base / "home"
    home.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith(".venv"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    (checkout / ".venv").symlink_to((ROOT / ".venv").resolve())
    site = demo()
    with Server(site.pages) as publisher:
        nights.write_sources(site, checkout / "my_sources.csv", only="dinghai")
        settings = nights.environment(publisher.resolve, HOME=str(home), PYTHONPATH=str(checkout))
        yield Newcomer(checkout, settings)


def test_every_command_of_the_readme_does_what_it_says(newcomer: Newcomer) -> None:
    typed = commands("README.md")
    assert len(typed) >= 10
    for command in typed:
        if command == "make test":  # this is it
            assert "pytest" in newcomer.types("make --dry-run test")
        elif command.endswith("gongkai serve"):
            newcomer.serves(f"{command} --port {free_port()}")
        else:
            newcomer.types(command)
    checkout = newcomer.checkout
    assert (checkout / "warehouse" / "demo" / "gongkai.duckdb").exists()
    assert (checkout / "warehouse" / "mine" / "gongkai.duckdb").exists()
    assert list(Path(newcomer.settings["HOME"]).rglob("*.duckdb")) == []


def test_the_backup_that_operating_describes_restores_the_warehouse(newcomer: Newcomer) -> None:
    """After the commands of the README: what was backed up gives the same readings and facts."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    backup = page.partition("```sh backup\n")[2].partition("```")[0]
    restore = page.partition("```sh restore\n")[2].partition("```")[0]
    place = newcomer.checkout / "warehouse" / "mine"
    newcomer.types("set -e\n" + backup.replace("warehouse/", "warehouse/mine/"))
    kept = newcomer.checkout / "backup"
    assert not (kept / "reports").exists()
    assert (kept / "snapshots").exists()
    newcomer.types("set -e\n" + restore.replace("gongkai ", ".venv/bin/gongkai "))
    restored = newcomer.checkout / "restored"
    for part in sorted((place / "reports").glob("part-*.parquet")):
        assert (restored / "reports" / part.name).read_bytes() == part.read_bytes()
    facts = '"select count(*), sum(value) from national_fact"'
    same = [
        newcomer.types(f".venv/bin/gongkai sql --warehouse {where} {facts}")
        for where in ("warehouse/mine", "restored")
    ]
    assert same[0] == same[1]
