"""`cluster.toml` of a warehouse: what of its work and its archive is on other machines.

Without the file everything is here. docs/scale.md says how to set the others up.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tasks.objects import ObjectPath
from tasks.records import BadInput

FILE = "cluster.toml"


@dataclass(frozen=True, slots=True)
class Cluster:
    """`storage`: where snapshots/ and reports/ lie. `dask`: the scheduler whose workers read the
    documents. `prefect`: the API that runs are told to. None: on this machine."""

    storage: ObjectPath | None = None
    dask: str | None = None
    prefect: str | None = None


def cluster_of(root: Path) -> Cluster:
    """What the file in a warehouse folder says. BadInput when it cannot be understood."""
    path = root / FILE
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Cluster()
    except (OSError, ValueError) as e:
        raise BadInput(f"{path}: cannot be read ({e}); docs/scale.md shows one") from e
    for name, value in said.items():
        if name not in Cluster.__dataclass_fields__ or not isinstance(value, str) or not value:
            known = ", ".join(Cluster.__dataclass_fields__)
            raise BadInput(f"{path}: {name} = {value!r} is not understood; it takes {known}, texts")
    if "dask" in said and "storage" not in said:
        raise BadInput(f"{path}: dask needs storage, a place that the workers can read too")
    if "dask" in said and urlsplit(said["dask"]).scheme not in ("tcp", "tls", "ws", "wss"):
        raise BadInput(f"{path}: dask = {said['dask']!r} is no scheduler; write tcp://HOST:8786")
    try:
        storage = ObjectPath.of(said["storage"]) if "storage" in said else None
    except BadInput as e:
        raise BadInput(f"{path}: storage = {e}") from e
    return Cluster(storage, said.get("dask"), said.get("prefect"))
