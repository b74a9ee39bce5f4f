"""Blind comparison of random cells with their pages: how many values are wrong, at most."""

from tasks.audit.draw import Audit, draw, load
from tasks.audit.score import Score, score
from tasks.audit.sheet import write

__all__ = ["Audit", "Score", "draw", "load", "score", "write"]
