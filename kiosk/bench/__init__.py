"""The benches: load over real HTTP, and what it says beside the raw limit measured in the same run."""
