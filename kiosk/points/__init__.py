"""Points in the store: balances, holds, adjustments, and what may be decided without head office."""
