"""pure: which quantities can be sold and taken back. 1 piece is 1000 thousandths."""

from loyalty.errors import InvalidInput

PIECE = "piece"
PIECE_MILLI = 1000


class WholePiecesOnly(InvalidInput):
    """This article is sold by the piece, and no part of a piece changes hands."""

    code, hint = "whole_pieces_only", "Enter a whole number of pieces."


def check_pieces(unit: str, quantity_milli: int, pointer: str) -> None:
    """Raises WholePiecesOnly for a fraction of something that is counted."""
    if unit == PIECE and quantity_milli % PIECE_MILLI:
        raise WholePiecesOnly(pointer=pointer)
