"""An object store on loopback: moto's server of the S3 protocol, in a thread of the tests."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from moto.server import ThreadedMotoServer
from pyarrow import fs

_prefix = count(1)


@contextmanager
def store() -> Iterator[str]:
    """The options of a store with the bucket `gongkai`, for addresses; gone after the block.

    Credentials are in the environment meanwhile, also for processes that are started.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        options = f"endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
        creating = f"s3://gongkai?{options}&allow_bucket_creation=true"
        fs.FileSystem.from_uri(creating)[0].create_dir("gongkai")
        yield options
    finally:
        server.stop()


def cluster_file(root: Path, options: str, **more: str) -> str:
    """Writes the `cluster.toml` of a warehouse with a prefix of its own; gives the storage."""
    storage = f"s3://gongkai/archive-{next(_prefix)}?{options}"
    said = {"storage": storage, **more}
    root.mkdir(parents=True, exist_ok=True)
    (root / "cluster.toml").write_text("".join(f'{k} = "{v}"\n' for k, v in said.items()))
    return storage
