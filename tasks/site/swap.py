"""Puts one folder in the place of another, so that a reader finds one or the other, whole."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from tasks.files import sync_folder


def swap(new: Path, published: Path) -> None:
    """Put the folder `new` in the place of `published`; readers see one or the other, whole."""
    if published.exists():
        if not exchange(new, published):
            # A file system that cannot exchange two folders: for an instant there is no site.
            published.rename(new.with_name("site-before"))
            new.rename(published)
    else:
        new.rename(published)
    sync_folder(published.parent)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system can (Linux, `renameat2`)."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of linux/fs.h
    done: int = renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange)
    return done == 0
