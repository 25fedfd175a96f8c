"""What turns files into raw rows: found, looked at, told to the engine in full. No value is judged."""
