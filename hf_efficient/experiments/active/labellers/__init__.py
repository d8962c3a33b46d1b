"""Who labels: the pool's own hidden labels, a person by a file or a page, or a function."""
