"""Reports of head office, and what leaves it for the books: figures from roll-ups, as JSON, CSV, XML and pictures."""
