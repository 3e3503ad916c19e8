"""`make bench`: the ledger's figures; see `bench`."""

from bench.__main__ import main

if __name__ == "__main__":
    main()
