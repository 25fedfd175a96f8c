"""What is fast, against what: ratios measured in one run, with peak memory."""
