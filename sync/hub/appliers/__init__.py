"""What the facts of all stores come to at head office: points, members, coupons, cards, offers, stock."""
