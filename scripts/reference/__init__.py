"""Makes the pages of docs/reference and docs/lifecycles.md from the code: `python -m scripts.reference [--check]`."""
