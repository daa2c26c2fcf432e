"""pure: what store and head office agree on about snapshots: a bucket as one file, and the manifest that vouches for
it.

    GET /sync/v1/snapshots/manifest     SignedManifest: which files make up all that this store is told
    GET /sync/v1/snapshots/{sha256}     one of them, packed; ranges are served, so what was cut off goes on

A snapshot is an SQLite file with everything alive in one bucket, packed with zstd and named by the SHA-256 of its
packed bytes: it never changes, so anything between may keep a copy. The manifest names the files, and the cursor behind
which the pull goes on once they are installed. It is signed with head office's own key, whose public half the store
keeps from its enrolment: whoever sits on the line can neither change a price nor play back last year's.

    MANIFEST        why it is refused (`refuse_manifest`)
    of another      its `store` is not the one that asks
    bad signature   not signed with the key that was pinned
    of the past     its timeline, or the number of a bucket, is lower than what the store has read already
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from loyalty.errors import Problem
from sync.protocol.messages import Bucket, Milliseconds, Seq, Signature

FORMAT = 1
"""The version of the files' schema that this release writes and reads (`user_version`)."""

APPLICATION_ID = int.from_bytes(b"CFsn")
"""What SQLite's header says such a file is (`application_id`)."""

STUBS = "stubs"
"""The bucket by which the manifest names the file of stubs (sync/stubs.py), which is not told by the pull."""

BULK = frozenset({"account", "member"})
"""Entities that are only read by their key: they stay in the file. All others are copied out of it."""

FILE_BYTES_MAX = 16 * 1024**3

_DOMAIN = b"counterfoil/snapshot/1\n"
_FILES_MAX = 50

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Meta(ge=1, le=FILE_BYTES_MAX)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class SnapshotRefused(Problem):
    """A snapshot of head office is not what it should be, so nothing of it was installed."""

    code, status = "snapshot_refused", 502
    hint = "The shop sells on and is told everything page by page. If it comes back, tell whoever runs head office."


class SnapshotFile(Struct, frozen=True, kw_only=True):
    """One file: the bucket that it is all of, up to number `seq`; `checksum` is the bucket's there (16 hex digits),
    `entities` how many of each kind. `bytes` is its length as it is sent, `unpacked_bytes` as SQLite reads it."""

    bucket: Bucket
    sha256: Sha256
    bytes: Bytes
    unpacked_bytes: Bytes
    seq: Seq
    checksum: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
    entities: dict[Annotated[str, Meta(max_length=100)], Count]


class Manifest(Struct, frozen=True, kw_only=True):
    """Which files a store installs, all of them or none. `cursor` stands at the number of each bucket's file. `stubs`
    is the file of cards that other stores know, by the keyed hash of `stub_key` (hexadecimal digits)."""

    store: UUID
    timeline: Annotated[int, Meta(ge=1, le=2**31)]
    made_at: Milliseconds
    cursor: Annotated[str, Meta(min_length=1, max_length=1000)]
    files: Annotated[tuple[SnapshotFile, ...], Meta(max_length=_FILES_MAX)]
    stubs: SnapshotFile | None = None
    stub_key: Annotated[str, Meta(max_length=64)] = ""


class SignedManifest(Struct, frozen=True, kw_only=True):
    """The exact text of a Manifest, and head office's signature over it (`manifest_signed_bytes`)."""

    manifest: Annotated[str, Meta(min_length=2, max_length=256 * 1024)]
    signature: Signature


def manifest_signed_bytes(manifest: str) -> bytes:
    """What head office signs."""
    return _DOMAIN + manifest.encode()


def read_manifest(signed: SignedManifest, public_key: str, store: UUID) -> Manifest:
    """The manifest, which is head office's own and of this store. `public_key` is the one that was pinned (64 hex
    digits). Raises SnapshotRefused."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signed.signature), manifest_signed_bytes(signed.manifest))
    except (InvalidSignature, ValueError) as error:
        raise SnapshotRefused("The manifest is not signed with the key of this head office.") from error
    try:
        manifest = msgspec.json.decode(signed.manifest, type=Manifest)
    except msgspec.DecodeError as error:
        raise SnapshotRefused(f"The manifest cannot be read: {error}") from error
    if manifest.store != store:
        raise SnapshotRefused("The manifest is another store's.")
    own = f"store:{store}"
    strange = [file.bucket for file in manifest.files if file.bucket.startswith("store:") and file.bucket != own]
    buckets = [file.bucket for file in manifest.files]
    if strange or len(set(buckets)) != len(buckets):
        raise SnapshotRefused("The manifest names a file of another store, or two of one bucket.")
    return manifest


def refuse_past(manifest: Manifest, timeline: int, numbers: Mapping[str, int]) -> None:
    """Raises SnapshotRefused for a manifest that is older than what was read already: `timeline` is the newest of head
    office, `numbers` the newest of each bucket in it. An old manifest is signed just as well as the present one."""
    if manifest.timeline < timeline:
        raise SnapshotRefused(f"It is of timeline {manifest.timeline}; {timeline} was read already.")
    if manifest.timeline > timeline:
        return
    for file in manifest.files:
        if file.seq < numbers.get(file.bucket, 0):
            raise SnapshotRefused(f"It ends at number {file.seq} of {file.bucket}; {numbers[file.bucket]} was read.")
