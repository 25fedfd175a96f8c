"""The business questions, one folder each; thin: they put methods to work."""
