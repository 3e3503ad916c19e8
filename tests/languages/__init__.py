"""Languages: catalogues, and what readers of each see."""
