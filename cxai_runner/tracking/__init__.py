"""What is kept of a run, and how it can be trusted: MLflow runs, their owners, lineage, masking and models."""
