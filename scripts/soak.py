"""`make soak`: a steady load for as long as asked (``ARGS="--minutes 60"``); see `bench.soak`."""

import sys

from bench.soak import main

if __name__ == "__main__":
    sys.exit(main())
