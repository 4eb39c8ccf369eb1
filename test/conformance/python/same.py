"""What the programs of this folder share: when two lists of batches are the same data."""


def difference(expected_schema, expected, schema, batches):
    """Says how the two differ, or returns None. Dictionaries may be cut differently as long as the values are the same."""
    if not schema.equals(expected_schema, check_metadata=True):
        return f"the schema is\n{schema}\nand not\n{expected_schema}"
    if len(batches) != len(expected):
        return f"there are {len(batches)} batches and not {len(expected)}"
    for i, (wanted, got) in enumerate(zip(expected, batches, strict=True)):
        got.validate(full=True)
        if not got.equals(wanted) and repr(got.to_pylist()) != repr(wanted.to_pylist()):
            return f"batch {i} is\n{got.to_pylist()}\nand not\n{wanted.to_pylist()}"
    return None
