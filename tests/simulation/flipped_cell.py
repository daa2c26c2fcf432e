"""One bit of one number in one row of a shop's books, as a bad disk or a bad memory changes it."""

from pathlib import Path
from random import Random

from kiosk.registry import TABLES
from loyalty.tables import TableClass
from sync.db import connect


def flip_cell(path: Path, random: Random, cell: str = "") -> str:
    """Change one in a table of facts, or in `cell` (table.column); its name. Nobody has the file open."""
    facts = [table for table in TABLES if table.table_class is TableClass.FACT]
    connection = connect(path)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        while True:
            table = random.choice(facts)
            columns = connection.execute(f"PRAGMA table_info({table.name})").fetchall()
            numbers = [row[1] for row in columns if row[2] == "INTEGER" and row[1] not in table.key]
            keys = connection.execute(f"SELECT {', '.join(table.key)} FROM {table.name}").fetchall()
            if not numbers or not keys:
                continue
            column, key = random.choice(numbers), random.choice(keys)
            if cell not in ("", f"{table.name}.{column}"):
                continue
            where = " AND ".join(f"{name} = ?" for name in table.key)
            bit = 1 << random.randrange(8)
            try:
                changed = connection.execute(
                    f"UPDATE {table.name} SET {column} = ({column} | ?) - ({column} & ?)"
                    f" WHERE {where} AND {column} IS NOT NULL",
                    (bit, bit, *key),
                ).rowcount
            except Exception:  # noqa: BLE001  a unique number; a bit that turns it into another row's is no case
                continue
            if changed == 1:
                return f"{table.name}.{column}"
    finally:
        connection.close()
