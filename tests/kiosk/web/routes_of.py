"""The routes of a built application, as it really serves them."""

from aiohttp import web

from sync.http.endpoints import Endpoint
from sync.http.routes import Route


def routes_of(application: web.Application) -> list[Route]:
    """Every route of the application but the HEAD that goes with each GET, in the order of their paths."""
    found = [
        entry.handler.__self__.route
        for entry in application.router.routes()
        if isinstance(getattr(entry.handler, "__self__", None), Endpoint) and entry.method != "HEAD"
    ]
    assert found, "the application serves nothing"
    return sorted(found, key=lambda route: (route.path, route.method))
