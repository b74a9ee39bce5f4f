"""Flow `publish`: rebuild the models from the readings and swap the warehouse in. Offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows import watched
from flows.holding import holding
from flows.stages import run_title
from tasks import warehouse as models
from tasks.sources import load_sources
from tasks.store import Warehouse


@task(name="build models", retries=0, persist_result=False)
def build(warehouse: str, sources: str | None) -> dict[str, int]:
    """dbt builds and tests every model aside; then the new file takes the place of the old."""
    reviewed = None if sources is None else load_sources(sources)
    published = models.publish(Warehouse(Path(warehouse)), sources=reviewed)
    lines = ["| table | rows |", "| --- | ---: |"]
    lines += [f"| {name} | {n} |" for name, n in published.rows.items()]
    create_markdown_artifact(
        "\n".join(lines), key="published", description=f"{published.database}, rows of each table"
    )
    return published.rows


@flow(name="publish", flow_run_name=lambda: run_title("publish"), retries=0)
def publish_held(warehouse: str, sources: str | None = None) -> State[Any]:
    """Publishes while the caller, a night or a replay, holds the warehouse."""
    with watched.step("Publishing", None, "tables") as step:
        rows = build(warehouse, sources)
        step.advance(len(rows))
    return Completed(message=f"{sum(rows.values()):,} rows in {len(rows)} tables")


@flow(name="publish alone", flow_run_name=lambda: run_title("publish"), retries=0)
def publish(warehouse: str | None = None) -> State[Any]:
    """Rebuilds the models from the archive's readings and swaps the warehouse in.

    Args:
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
    """
    place = Warehouse.at(warehouse)
    with holding(place, "publish"):
        return publish_held(str(place.root), return_state=True)
