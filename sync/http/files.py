"""edge: the files of a screen (scripts, styles, pictures), read once at the start and served from memory.

aiohttp's own static handler answers a missing file by a bare 404 of its own, after everything that turns errors into
problems; a store's screens are a few hundred kilobytes, so each file simply is a route of its own, with its ETag.

    routes += file_routes("/static", Path("kiosk/web/static"))
"""

from pathlib import Path

from sync.http.etag import content_etag
from sync.http.routes import PUBLIC, Answer, Handler, Route

# Not the mimetypes module: its answers depend on files of the machine.
CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def file_routes(prefix: str, folder: Path) -> list[Route]:
    """A public GET route for each file below `folder`, at `prefix/path/in/folder`.

    Browsers keep a copy and ask each time whether it is current (304), so a new version is seen at once. Names that
    begin with a dot are left out. Raises ValueError for a kind of file that CONTENT_TYPES does not know.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder) for path in files]
    return [
        _file_route(f"{prefix}/{name.as_posix()}", folder / name)
        for name in names
        if not any(part.startswith(".") for part in name.parts)
    ]


def _file_route(address: str, file: Path) -> Route:
    content_type = CONTENT_TYPES.get(file.suffix)
    if content_type is None:
        raise ValueError(f"{file.name}: files of this kind are not served")
    return Route(
        method="GET",
        path=address,
        handler=_handler_of(file.read_bytes()),
        summary=file.name,
        tag="screens",
        roles=PUBLIC,
        response=bytes,
        produces=content_type,
        documented=False,
        logged=False,
    )


def _handler_of(content: bytes) -> Handler:
    headers = {"ETag": content_etag(content), "Cache-Control": "no-cache"}

    async def show_file(_call: object) -> Answer:
        return Answer(200, content, headers)

    return show_file
