"""Flow `publish`: rebuild the models from the readings, swap the warehouse in, write its site.

Offline. The site comes second and from the published file: when it cannot be written, the night's
tables are out all the same, and the site of the night before stays whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows import watched
from flows.holding import holding
from flows.stages import run_title
from tasks import publish as publishing
from tasks import site
from tasks.sources import load_sources
from tasks.store import Warehouse

site_trouble: str | None = None
"""Why the last publish of this process left the site as it was; None when it was written."""


@task(name="build models", retries=0, persist_result=False)
def build(warehouse: str, sources: str | None, full: bool) -> dict[str, int]:
    """dbt builds and tests the models aside; then the new file takes the place of the old."""
    reviewed = None if sources is None else load_sources(sources)
    published = publishing.publish(Warehouse(Path(warehouse)), sources=reviewed, full=full)
    why = published.why_full
    made = f"Everything was made anew: {why}." if why else "What changed was made anew."
    lines = [made, "", "| table | rows |", "| --- | ---: |"]
    lines += [f"| {name} | {n} |" for name, n in published.rows.items()]
    create_markdown_artifact(
        "\n".join(lines), key="published", description=f"{published.database}, rows of each table"
    )
    return published.rows


@task(name="build site", retries=0, persist_result=False)
def build_site(warehouse: str) -> int:
    """The pages of what was published, written aside and swapped in; how many files."""
    with watched.step("Site", None, "steps") as step:
        built = site.publish(Warehouse(Path(warehouse)), step.advance)
    create_markdown_artifact(
        f"`{built.folder / 'index.html'}`: {built.files:,} files, {built.size / 1e6:,.1f} MB, "
        f"in {built.seconds:.1f} s",
        key="site",
        description="the site of what is published",
    )
    return built.files


@flow(name="publish", flow_run_name=lambda: run_title("publish"), retries=0)
def publish_held(warehouse: str, sources: str | None = None, full: bool = False) -> State[Any]:
    """Publishes while the caller, a night or a replay, holds the warehouse."""
    with watched.step("Publishing", None, "tables") as step:
        rows = build(warehouse, sources, full)
        step.advance(len(rows))
    message = f"{sum(rows.values()):,} rows in {len(rows)} tables"
    global site_trouble
    site_trouble = None
    state = build_site(warehouse, return_state=True)
    if not state.is_completed():
        site_trouble = " ".join(str(state.message).split())
        message += f"; the site stays as it was: {site_trouble}"
    return Completed(message=message)


@flow(name="publish alone", flow_run_name=lambda: run_title("publish"), retries=0)
def publish(warehouse: str | None = None, full: bool = False) -> State[Any]:
    """Brings the models up to the archive's readings and swaps the warehouse in.

    Args:
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
        full: Make everything anew, not only what changed since the last publish.
    """
    place = Warehouse.at(warehouse)
    with holding(place, "publish"):
        return publish_held(str(place.root), full=full, return_state=True)
