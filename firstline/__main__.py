"""``python -m firstline``."""

from firstline import main

main()
