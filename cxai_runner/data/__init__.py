"""Where rows are: sources, table contracts, fingerprints, and the content-keyed cache."""
