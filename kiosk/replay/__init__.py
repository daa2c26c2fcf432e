"""Real baskets and real coupons against a throw-away store."""
