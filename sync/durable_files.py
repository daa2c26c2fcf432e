"""edge: small files that must survive a power cut: replaced as a whole, never half written.

replace_file(folder / "marks.json", text)     # when this returns, the new content is what a restart finds
"""

import os
from pathlib import Path

_OWNER_ONLY = 0o600


def replace_file(path: Path, text: str) -> None:
    """Put `text` in place of the file: written beside it, synced, renamed, and the name synced too. A cut at any moment
    leaves the old content or the new. Only its owner may read it."""
    partial = path.with_name(path.name + ".new")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_path(path.parent)


def sync_path(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
