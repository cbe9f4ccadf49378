"""One of several processes that write the same store: ``python -m tests.serving.replica URL NAME MOVES``."""

import sys

from serving.store import Store
from tests.serving.sample import NOON

if __name__ == "__main__":
    url, name, moves = sys.argv[1:]
    store = Store(url)
    for move in range(int(moves)):
        store.set_pointer("challenger", f"{name}-{move}", name, "several write", NOON)
    store.close()
