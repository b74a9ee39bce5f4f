"""Reports that a listing names and that no run could fetch: whose each is, by the listing alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from tasks.report.title import compact, unit_of_title
from tasks.report.whose import report_year
from tasks.units.model import Clues
from tasks.units.resolve import Resolver

_TEXT = pa.string()
LISTED = pa.schema(
    [
        ("document_id", _TEXT),
        ("url", _TEXT),
        ("source_id", _TEXT),
        ("unit_id", _TEXT),
        ("report_year", pa.int32()),
        ("link_date", _TEXT),
        ("code", _TEXT),
        ("message", _TEXT),
    ]
)
# The last word of the runs on each document. Names of runs sort in the order of the runs.
_LEFT = """
with outcomes as (
    select run_id, document_id, outcome, code, message
    from read_parquet($outcomes, union_by_name = true)
),

-- First the few that ever failed: a year of nights says of most documents that they are unchanged.
troubled as (
    select distinct document_id from outcomes where outcome in ('failed', 'skipped')
),

left_out as (
    select outcomes.* from outcomes semi join troubled using (document_id)
    qualify row_number() over (partition by document_id order by run_id desc) = 1
        and outcome in ('failed', 'skipped')
)

select document_id, url, source_id, link_title, link_date, code, message
from read_parquet($discovered, union_by_name = true)
inner join left_out using (run_id, document_id)
where official and link_title is not null
order by document_id
"""


def listed(
    connection: duckdb.DuckDBPyConnection, resolver: Resolver, runs: Sequence[Path]
) -> pa.Table:
    """Each official document that was last not fetched, of whose title unit and year are certain.

    `runs`: the folders of the finished runs.
    """
    found: list[dict[str, object]] = []
    if runs:
        files = {
            name: [str(run / f"{name}.parquet") for run in runs]
            for name in ("discovered", "outcomes")
        }
        for row in connection.execute(_LEFT, files).to_arrow_table().to_pylist():
            title = compact(row.pop("link_title"))
            year, _ = report_year(title, "", [])
            whose = resolver.resolve(
                Clues(
                    unit_of_title(title),
                    year,
                    title=title,
                    source_id=row["source_id"],
                    official_url=row["url"],
                )
            )
            if whose.unit and year:
                found.append(row | {"unit_id": whose.unit.unit_id, "report_year": year})
    return pa.Table.from_pylist(found, schema=LISTED)
