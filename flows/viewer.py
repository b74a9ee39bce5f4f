"""Our own pages beside the Prefect UI, on the same port: archived documents, and a way to replay.

`/gongkai/snapshots/<id>` shows a document as it was received and understood, with the place of a
rejection marked; `/gongkai/replay?reason=CODE` opens the filled form of the deployment that reads
such documents again. Runs link here with paths alone, so that the links hold on whatever port and
name the server is reached.

Archived pages are strangers' HTML: they are served in a sandbox that runs no script and loads
nothing from anywhere.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from flows import page
from flows.paths import PREFIX
from tasks import snapshot
from tasks.records import BadInput
from tasks.report import sniff
from tasks.report.decode import to_utf8
from tasks.store import Warehouse

REPLAY = "replay/replay"  # flow and deployment
_ID = re.compile(r"[0-9a-f]{64}")
_OURS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
}
_STRANGERS = {
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "doc": "application/msword",
    "ofd": "application/ofd",
}
_PICTURES = {
    b"PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"WEBP": "image/webp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


def viewer(warehouse: Warehouse) -> Starlette:
    """The pages of one warehouse, as an application to be mounted at PREFIX."""

    def archived(request: Request) -> bytes | Response:
        name = request.path_params["snapshot_id"]
        if not _ID.fullmatch(name):
            return _sorry("A snapshot has 64 hexadecimal digits.", 404)
        try:
            return snapshot.read_bytes(warehouse, name)
        except KeyError:
            return _sorry(f"The archive of {warehouse.root} has no snapshot {name}.", 404)
        except BadInput as error:
            return _sorry(str(error), 500)

    def show(request: Request) -> Response:
        body = archived(request)
        if isinstance(body, Response):
            return body
        name = request.path_params["snapshot_id"]
        html = page.render(body, name, snapshot.fetch_of(warehouse, name), warehouse)
        return HTMLResponse(html, headers=_OURS)

    def original(request: Request) -> Response:
        body = archived(request)
        if isinstance(body, Response):
            return body
        kind = sniff.kind(body)
        if kind == "html":
            # as the reader decodes it: what the page declares of its encoding is often not so
            fetched = snapshot.fetch_of(warehouse, request.path_params["snapshot_id"])
            body = to_utf8(body, fetched.content_type if fetched else None)
            return Response(body, media_type="text/html; charset=utf-8", headers=_STRANGERS)
        if kind == "image":
            return Response(body, media_type=_picture_type(body), headers=_STRANGERS)
        if kind in _TYPES:
            place = "inline" if kind == "pdf" else "attachment"
            name = f"{request.path_params['snapshot_id'][:12]}.{kind}"
            headers = {"content-disposition": f'{place}; filename="{name}"'}
            return Response(body, media_type=_TYPES[kind], headers=headers)
        return Response(body, media_type="text/plain", headers=_STRANGERS)

    def replay(request: Request) -> Response:
        code = request.query_params.get("reason", "")
        api = f"{str(request.base_url).partition(PREFIX)[0].rstrip('/')}/api"
        try:
            with urllib.request.urlopen(f"{api}/deployments/name/{REPLAY}", timeout=10) as answer:  # noqa: S310
                deployment = json.load(answer)["id"]
        except (urllib.error.URLError, OSError, ValueError, KeyError):
            return _sorry(
                "The deployment `replay` is there while `gongkai serve` runs. Without it: "
                f"gongkai replay --reason {code}",
                404,
            )
        given = quote(json.dumps({"selection": "rejected", "reason": code}))
        return RedirectResponse(f"/deployments/deployment/{deployment}/run?parameters={given}")

    return Starlette(
        routes=[
            Route("/snapshots/{snapshot_id}", show),
            Route("/snapshots/{snapshot_id}/original", original),
            Route("/replay", replay),
        ]
    )


def _picture_type(body: bytes) -> str:
    return next((kind for mark, kind in _PICTURES.items() if mark in body[:12]), "image/bmp")


def _sorry(message: str, status: int) -> Response:
    return HTMLResponse(page.message(message), status, headers=_OURS)
