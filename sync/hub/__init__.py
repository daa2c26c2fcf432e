"""Head office: what every store reports to."""
