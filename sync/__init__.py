"""Facts between places: the journal, the database that keeps it, and what store and hub doors share."""
