"""pure: strong entity tags (RFC 9110 section 8.8.3) and the two headers that use them.

A tag names a version of a thing, and usually is its row version: `"7"`. Strong means equal bytes, so two
representations (languages, content types) of one version need different tags: give each part.

    >>> strong_etag(7, "pl")
    '"7.pl"'
"""

import hashlib
import re

from sync.http.problems import PreconditionFailed, PreconditionRequired

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_TAG = re.compile(r'\s*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')
HEADER_MAX_CHARACTERS = 1000


def strong_etag(*parts: int | str) -> str:
    """A tag from what makes the version: row version, language … Anything unusual in a text is hashed.

    >>> strong_etag("żółć")
    '"47ff00909613"'
    """
    assert parts
    return '"' + ".".join(_plain(str(part)) for part in parts) + '"'


def content_etag(content: bytes) -> str:
    """A tag from the bytes themselves, for what has no version of its own."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def require_match(if_match: str | None, current: str) -> None:
    """Lets a change through only when it was made on the current version.

    Raises PreconditionRequired (428) without the header, PreconditionFailed (412) when no tag in it is `current`. `*`
    is refused as well: "whatever is there now" is what this rule exists to prevent. A weak tag never matches (RFC
    9110 section 13.1.1: strong comparison).
    """
    if not if_match:
        raise PreconditionRequired
    if current not in _read_tags(if_match):
        raise PreconditionFailed(current=current)


def is_unchanged(if_none_match: str | None, current: str) -> bool:
    """Whether the caller's copy is current, so that 304 is enough. Weak comparison (RFC 9110 section 13.1.2)."""
    if not if_none_match:
        return False
    return if_none_match.strip() == "*" or current in {tag.removeprefix("W/") for tag in _read_tags(if_none_match)}


def _read_tags(header: str) -> list[str]:
    """The tags of the header, or none at all when it is not a list of tags."""
    tags, position = [], 0
    if len(header) > HEADER_MAX_CHARACTERS:
        return []
    while position < len(header):
        found = _TAG.match(header, position)
        if found is None:
            return []
        tags.append(found[1])
        position = found.end()
    return tags


def _plain(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else hashlib.sha256(part.encode()).hexdigest()[:12]
