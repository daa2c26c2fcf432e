"""edge: the screens of head office: one page with its scripts and styles, which talk to the same API as everybody else.

Everything but the font is read into memory at the start; nothing is fetched from elsewhere, and the policy forbids it.
"""

from pathlib import Path

from sync.http.etag import content_etag
from sync.http.files import file_routes
from sync.http.fonts import font_routes
from sync.http.front import front_route
from sync.http.routes import PUBLIC, Answer, Route

_STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)


def office_routes() -> list[Route]:
    """/office and the files it loads."""
    content = (_STATIC / "office.html").read_bytes()
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache", "ETag": content_etag(content)}

    async def show_page(_call: object) -> Answer:
        return Answer(200, content, headers)

    page = Route(
        method="GET",
        path="/office",
        handler=show_page,
        summary="The screens of head office",
        tag="screens",
        roles=PUBLIC,
        response=bytes,
        produces="text/html",
        documented=False,
    )
    return [front_route("/office"), page, *font_routes(), *file_routes("/static/office", _STATIC / "office")]
