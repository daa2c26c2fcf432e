"""The rule book: prices, taxes, points and members, the same in shop, head office and web. Imports none of ours."""
