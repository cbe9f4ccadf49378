"""A card for each model: what it learnt, how well it does and for whom, what it must not be used for."""
