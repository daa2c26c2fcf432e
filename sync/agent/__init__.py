"""The shop's side of the line to head office: one task that sends what was booked and fetches what changed."""
