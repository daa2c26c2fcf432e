"""The shop: selling, shifts, returns, members at the counter, and the screens and doors around them."""

__version__ = "0.1.0"
