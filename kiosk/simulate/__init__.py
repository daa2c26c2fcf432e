"""The fault simulator: shops, their lines and a head office in virtual time, with everything going wrong that can.

chance      where all luck comes from: one seed
scheduler   virtual time: what happens next
network     messages that are lost, doubled, late, out of order, or come back a day later
entries     what is sold in a simulated shop, as entries of a journal
books       what lies on the disk of a shop
shop        a shop: disk, service, tills, and the agent that runs the real push machine
head_office what lies on the disk of head office, and its answers by the real machine
lending     whose points may be spent where: leases and the floor, by the real rules
faults      crashes, backups, reverted images, copies, new disks, lines and clocks
truth       what really happened, which no machine in a universe knows
invariants  what must always hold, and what must hold in the end
universe    one seed: a mix of faults, the time of trouble, and the healing
planted     bugs put in on purpose; each must be found
scenarios   schedules by hand for bugs that luck seldom meets
simulation  many universes, counted
"""
