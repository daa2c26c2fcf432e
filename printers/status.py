"""pure: what a printer says back, taken apart.

Four kinds of answers share one line without lengths or names, and a printer that pushes its status by itself (ASB)
mixes them in anywhere. Their fixed bits tell them apart (Epson's command reference, "transmit status" of each
command):

| first byte            | what it is                                                                  |
|-----------------------|-----------------------------------------------------------------------------|
| 0x11, 0x13            | XON, XOFF of the line: not for us                                           |
| 0x35 37 3b 3d 5f      | a block up to the next NUL: process id (GS ( H), names (GS I)               |
| b & 0x93 = 0x12       | real-time status (DLE EOT n); which n is known from the order of asking     |
| b & 0x93 = 0x10       | the first of the four bytes of automatic status (GS a)                      |
| b & 0x90 = 0x00       | paper sensor (GS r 1): comes in order with the data, so it proves the paper |

    >>> split_replies(bytes.fromhex("12 14 00 00 0f 00"))
    ((RealTime(byte=18), AutoStatus(flags=b'\\x14\\x00\\x00\\x0f'), PaperSensor(byte=0)), b'')
"""

from msgspec import Struct

from printers.errors import CoverOpen, PaperOut, PrinterOffline, PrinterProblem

ASK_PRINTER, ASK_OFFLINE_CAUSE, ASK_PAPER = b"\x10\x04\x01", b"\x10\x04\x02", b"\x10\x04\x04"
"""DLE EOT 1, 2 and 4: answered at once, even while the printer cannot print."""
BARRIER = b"\x1dr\x01"
"""GS r 1: answered when everything before it has been processed; held back while there is no paper."""

_BLOCK_HEADS = frozenset(b"\x35\x37\x3b\x3d\x5f")


class RealTime(Struct, frozen=True):
    """One byte of DLE EOT."""

    byte: int


class AutoStatus(Struct, frozen=True):
    """Four bytes the printer sent by itself."""

    flags: bytes


class PaperSensor(Struct, frozen=True):
    """The answer to the barrier."""

    byte: int


class Block(Struct, frozen=True):
    """A longer answer, without its closing NUL."""

    data: bytes


Reply = RealTime | AutoStatus | PaperSensor | Block


def split_replies(data: bytes) -> tuple[tuple[Reply, ...], bytes]:
    """The complete answers at the start of `data`, and the bytes of one that is not complete yet."""
    replies: list[Reply] = []
    index = 0
    while index < len(data):
        byte = data[index]
        size = 1
        if byte in _BLOCK_HEADS:
            end = data.find(0, index)
            if end < 0:
                break
            replies.append(Block(data[index:end]))
            size = end + 1 - index
        elif byte & 0x93 == 0x12:
            replies.append(RealTime(byte))
        elif byte & 0x93 == 0x10:
            if len(data) - index < 4:
                break
            replies.append(AutoStatus(data[index : index + 4]))
            size = 4
        elif byte & 0x90 == 0:
            replies.append(PaperSensor(byte))
        index += size
    return tuple(replies), data[index:]


def problem_of_answers(printer: int, offline_cause: int, paper: int) -> PrinterProblem | None:
    """What DLE EOT 1, 2 and 4 together say is wrong: the thing a person can mend first."""
    if offline_cause & 0x04:
        return CoverOpen()
    if offline_cause & 0x20 or paper & 0x60:
        return PaperOut()
    if offline_cause & 0x40 or printer & 0x08:
        return PrinterOffline()
    return None


def problem_of_auto_status(flags: bytes) -> PrinterProblem | None:
    """What the four bytes of automatic status say is wrong.

    Byte 1: bit 3 offline, bit 5 cover open. Byte 2: an error in bits 2, 3, 5, 6. Byte 3: bits 2 and 3 no paper.
    """
    if flags[0] & 0x20:
        return CoverOpen()
    if flags[2] & 0x0C:
        return PaperOut()
    if flags[1] & 0x6C or flags[0] & 0x08:
        return PrinterOffline()
    return None
