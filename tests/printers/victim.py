"""A printing service to be killed: prints what waits in a spool file to a port, in a process of its own."""

import asyncio
import sys

from sqlite_utils.utils import sqlite3

from printers.render import Rendered
from printers.spool import recover_after_start
from printers.transport_tcp import TcpTransport
from printers.worker import Worker
from tests.printers.databases import SpoolDatabase


async def render(content: bytes, profile_name: str, copy_number: int) -> Rendered:
    return Rendered(b"%d:" % copy_number + content)


async def main(path: str, port: int) -> None:
    database = SpoolDatabase(sqlite3.connect(path, isolation_level=None))
    await database.write(lambda tx: recover_after_start(tx, 2))
    worker = Worker(
        printer="counter",
        profile_name="virtual",
        transport=TcpTransport("127.0.0.1", port),
        database=database,
        render=render,
        now_ms=lambda: 2,
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
