"""Selling: baskets, sales, tenders, returns, exchanges."""
