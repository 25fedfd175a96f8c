"""Whether rows keep the rules of the standard tables, and what became of them on the way into an experiment."""
