"""Listed differences to other implementations: a data file and a module of predicates for each."""
