"""The static site: pages and data that show what one published database holds.

`build` reads the public tables only and writes files only; it knows no orchestrator and no network.
"""

from tasks.site.site import Built, build, publish

__all__ = ["Built", "build", "publish"]
