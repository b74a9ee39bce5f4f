"""Whose report it is: the registry of divisions and organs, and what a document says of its issuer.

See docs/reconciliation.md.
"""

from tasks.units.model import Clues, Resolution, Unit
from tasks.units.registry import Registry
from tasks.units.resolve import Resolver

__all__ = ["Clues", "Registry", "Resolution", "Resolver", "Unit"]
