"""The recorded history replayed as a queue: first in first out, by customers' claims, under Firstline."""
