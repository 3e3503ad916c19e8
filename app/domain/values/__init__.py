"""Small values that every noun uses: ids, money, terms, texts, errors and decisions."""
