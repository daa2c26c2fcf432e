"""Shifts: floats, cash movements, X and Z reports, the business day."""
