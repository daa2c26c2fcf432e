"""pure: the one table of this package. Spool state is LOCAL: it is about this shop's paper and is never compared or
synced.

`kind` says what is printed (`receipt`, `shift_report`, …), `reference` the fact behind it (a sale's id), `member`
whose personal data the content may hold, so that erasing finds it. `original` is the first job of a row of reprints
(NULL on the first itself). `problem` is `code: sentence` of the last thing that went wrong and holds no personal
data.

The indexes are partial where most rows have nothing to say: a printed job leaves `print_job_open` (a query finds that
index only if it repeats its condition word for word), and a sale without a member pays nothing for
`print_job_member`.
"""

LOCAL_TABLES: dict[str, str] = {
    "print_job": """
CREATE TABLE print_job (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    printer     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    reference   BLOB    CHECK (length(reference) = 16),
    member      BLOB    CHECK (length(member) = 16),
    original    BLOB    CHECK (length(original) = 16),
    content     BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN
                ('queued', 'preflight', 'sending', 'printed', 'handed_over', 'unknown', 'failed', 'canceled')),
    copy_number INTEGER NOT NULL CHECK (copy_number >= 0),
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    problem     TEXT
) STRICT
""",
}

KEYS: dict[str, tuple[str, ...]] = {"print_job": ("id",)}

PERSONAL: dict[str, tuple[str, ...]] = {"print_job": ("content",)}
"""Columns whose values no message may show: the paper may name the member."""

INDEXES: dict[str, tuple[str, ...]] = {
    "print_job": (
        """CREATE INDEX print_job_open ON print_job (printer, state, created_at, id)
           WHERE state NOT IN ('printed', 'handed_over')""",
        "CREATE INDEX print_job_created ON print_job (created_at, id)",
        "CREATE INDEX print_job_reference ON print_job (reference) WHERE reference IS NOT NULL",
        "CREATE INDEX print_job_member ON print_job (member) WHERE member IS NOT NULL",
        "CREATE INDEX print_job_original ON print_job (original) WHERE original IS NOT NULL",
    ),
}
