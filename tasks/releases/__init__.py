"""Releases: immutable, dated copies of the published tables that a paper can cite.

`freeze` writes one, `shelf` finds, opens and checks them, `compare` tells two states apart.
"""

from tasks.releases.compare import Comparison, compare
from tasks.releases.freeze import freeze
from tasks.releases.shelf import Release, as_of, check, find, opened, releases

__all__ = [
    "Comparison",
    "Release",
    "as_of",
    "check",
    "compare",
    "find",
    "freeze",
    "opened",
    "releases",
]
