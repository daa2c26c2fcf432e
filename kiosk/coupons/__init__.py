"""Coupons and gift cards: issued, checked, used, and the keys that sign."""
