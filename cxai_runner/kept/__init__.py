"""What lies in the store, read back: runs piece by piece, their experiments put together again, their models."""
