"""Small models of what waits and what repeats: what the documentation says, without futures, tasks or a loop.

A model has a clock of its own and two kinds of steps. Calls change it at once. `settle` stands for the loop
going round until nothing more can happen without time passing.
"""
