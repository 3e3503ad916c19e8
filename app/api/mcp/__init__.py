"""The door for agents: ten tools over the table of operations, spoken by the Model Context Protocol at ``/mcp``."""
