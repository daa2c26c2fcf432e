"""Roll-ups: what reports read instead of the journals. Sums that every applied entry adds to, whatever the order."""
