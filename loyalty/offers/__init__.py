"""Offers: what head office writes down, what it takes off a cart, and why. All of it is pure.

request       an offer as somebody asks for it
offer         the offer and its JSON              context     who asks, when, and what is left of the limits
validation    offers refused when they are made   conditions  may this offer run here, now, for this shopper
book          offers made ready for many carts    cart        lines, and what is left of them
effects       what one offer takes off            separable   best_of offers that look at each piece alone
choice        the best of those that compete      engine      the order of it all
outcome       what came of it, as data            reasons     why, and what is missing to the next one
unused        near misses and refusals            texts       all of them in en, ko, ja, pl
terms         what an offer gives and asks, in words
lowest_price  the lowest price of 30 days, to show beside a reduction
"""
