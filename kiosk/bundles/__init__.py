"""Bundles of head office: told, begun at their instant, all of each or nothing."""
