"""Published shapes: for each noun a typed class, and the function that builds it from the domain's values.

A shape is declared once, here. REST's answers, the OpenAPI document and the GraphQL types are made from the class.
Shapes are `TypedDict`s (decision 0101): building one costs what a dict costs, and mypy names the member that is
missing.
"""
