"""``python -m serving``: start the service with the settings in the environment."""

import sys

from pydantic import ValidationError

from serving.run import CannotServe, serve
from serving.settings import Settings


def main() -> int:
    """Serve until stopped; returns the exit status."""
    try:
        serve(Settings())
    except CannotServe as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ValidationError as error:
        for problem in error.errors():
            name = "FIRSTLINE_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"error: {name}: found {problem['input']!r}; {problem['msg']}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
