"""edge: the screens: pages, scripts and styles that talk to the same API as everybody else.

Everything but the font is read into memory at the start; nothing is fetched from outside the shop, which the policy
forbids.
"""

from pathlib import Path

from kiosk.web.door import Session
from sync.http.calls import Call
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


def screen_routes() -> list[Route]:
    """/till, /kiosk and the files they load."""
    pages = [_page(f"/{name}", _STATIC / f"{name}.html") for name in ("till", "kiosk")]
    return [front_route("/till"), *pages, *font_routes(), *file_routes("/static", _STATIC)]


def _page(address: str, file: Path) -> Route:
    content = file.read_bytes()
    headers = {
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-cache",
        "ETag": content_etag(content),
    }

    async def show_page(_call: Call[Session, None, None]) -> Answer:
        return Answer(200, content, headers)

    return Route(
        method="GET",
        path=address,
        handler=show_page,
        summary="A screen",
        tag="screens",
        roles=PUBLIC,
        response=bytes,
        produces="text/html",
        documented=False,
    )
