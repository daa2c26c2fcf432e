"""Earning rules: what a purchase or an activity brings in points, and why. All of it is pure.

rule         the rule and its JSON, a version for ever
validation   rules refused when they are made, because nobody could explain them
context      who earns, when, where, and what the caps leave
evaluation   lines and rules -> points of each line, bonuses of the basket, a share for each rule
kept         goods came back: what a basket's bonuses still come to, with the versions of that day
"""
