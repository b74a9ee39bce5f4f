"""The reader: bytes of one document to a `Reading`. Pure; see docs/reading.md."""

from tasks.report.reader import read

__all__ = ["read"]
