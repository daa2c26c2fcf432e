"""The points ledger: facts, the fold that turns them into lots, holds, debt and balances, and the decisions before it.

facts       what an origin writes about points, and the order in which facts count
periods     when points begin to count and when they end, in the time zone of the program
account     what the fold makes: lots, holds, redemptions, legs, incidents, balance
book        an account while it is being computed: points move between buckets, time passes
reversals   goods come back: which points go, which points return
fold        all of it together: fold, apply_postings, view
program     the rules of the shop: when points begin and end, what they are worth, who may do what
operation   the points of one member while one operation is decided
decide      may this be done now? the posting that says so, or a refusal
refusals    the refusals, as classes
rows        an account as plain rows, and back
told        an account as another place told it, with what was posted here since
told_check  what such an account must be like before anything is posted on top of it
invariants  what must always hold, as checks
"""
