"""Statements of head office that go over all machines of a cluster on purpose, and why each may."""

SWEEPS = {
    "DELETE FROM inbox_private WHERE member = ?": "an erased member's data lies with every store where it was seen",
}
