"""pure: the headers that every answer carries, by what it is.

An API answer is for one device now: not stored, not sniffed into another type, never inside a frame, and allowed to
load nothing at all. A page may load what stands on this very service. Either may say otherwise in its own headers, but
for the frame: a till inside somebody's frame is a till whose buttons somebody else can have pressed.

    >>> never_framed("default-src 'self'")
    "default-src 'self'; frame-ancestors 'none'"
"""

CONTENT_SECURITY_POLICY = "Content-Security-Policy"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
COMMON_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Server": "counterfoil"}


def headers_of(produces: str) -> dict[str, str]:
    """The headers of an answer of that content type."""
    is_page = produces.startswith("text/html")
    is_text = produces.startswith("text/") and "charset" not in produces
    return {
        "Content-Type": f"{produces}; charset=utf-8" if is_text else produces,
        "Cache-Control": "no-cache" if is_page else "no-store",
        CONTENT_SECURITY_POLICY: PAGE_POLICY if is_page else API_POLICY,
        **COMMON_HEADERS,
    }


def never_framed(policy: str) -> str:
    """A caller's own policy, with `frame-ancestors 'none'` where it says nothing of frames."""
    return policy if "frame-ancestors" in policy else f"{policy}; frame-ancestors 'none'"
