"""What store and hub doors share: routes, problems, sign-in, limits, paging, events, logs, metrics, OpenAPI."""
