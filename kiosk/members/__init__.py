"""Members: enrolment, profile, consents, merges, export, erasure."""
