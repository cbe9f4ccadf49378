"""``python -m pipelines.demo_company``: write the demo company of ``params.yaml``."""

import sys

from pipelines.demo_company.write import main

if __name__ == "__main__":
    sys.exit(main())
