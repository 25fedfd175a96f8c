"""From tables to the frame a task works on: aggregations that run where the rows live."""
