"""The demonstration shop: real baskets of one year, the goods, members and ids made from them."""
