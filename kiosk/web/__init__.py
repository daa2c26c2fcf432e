"""The shop's HTTP door: handlers that parse, call a service and render, and the screens."""
