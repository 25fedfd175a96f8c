"""How it is judged: splits, metrics, intervals, and paired comparison."""
