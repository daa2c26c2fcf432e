"""Offers: made, shown, priced with, counted."""
