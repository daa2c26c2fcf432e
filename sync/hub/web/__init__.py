"""Head office over HTTP: one module for each area of calls."""
