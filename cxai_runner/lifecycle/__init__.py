"""What happens to a run afterwards."""
