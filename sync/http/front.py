"""edge: who types only the name of the machine is shown its screen."""

from sync.http.routes import PUBLIC, Answer, Route


def front_route(screen: str) -> Route:
    """GET / leads to `screen`, such as "/till"."""

    async def lead(_call: object) -> Answer:
        return Answer(302, None, {"Location": screen, "Cache-Control": "no-cache"})

    return Route(
        method="GET",
        path="/",
        handler=lead,
        summary="The way to the screen",
        tag="screens",
        roles=PUBLIC,
        statuses=(302,),
        documented=False,
    )
