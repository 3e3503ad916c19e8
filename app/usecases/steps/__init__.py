"""Steps that several use cases share: workflows that lock, ask rules and write. They know no use case."""
