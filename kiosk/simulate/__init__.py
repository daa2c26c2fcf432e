"""The fault simulator: shops, their lines and a head office in virtual time, with everything going wrong that can.

chance      where all luck comes from: one seed
scheduler   virtual time: what happens next
network     messages that are lost, doubled, late, out of order, or come back a day later
entries     what is sold in a simulated shop, as entries of a journal
books       what lies on the disk of a shop; told, bundles: what head office told it
shop        a shop: disk, service, and the agent that runs the real push machine; reader runs the real pull machine
till        tills and kiosks; wishes: what their customers want; decisions: what the shop makes of it
lending     whose points may be spent where: leases and the floor, by the real rules
vouchers    coupons, gift cards and goods that come back, at a shop: what is asked of head office, and the rules without
head_office head office: its doors; hub_books, hub_vouchers, feed: its disk; hub_pages: what it tells
office      the people at head office: prices that begin at one instant, whom to write to
faults      crashes, backups, reverted images, copies, new disks, full ones, flipped bits, lines and clocks
truth       what really happened, which no machine in a universe knows
invariants  what must always hold, and what must hold in the end (invariants_kept, invariants_told)
universe    one seed: a mix of faults, the time of trouble, and the healing
planted     bugs put in on purpose; each must be found
scenarios   schedules by hand for bugs that luck seldom meets (scenarios_kept, scenarios_told), told on a stage
simulation  many universes, counted
"""
