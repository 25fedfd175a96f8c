"""What a config names as `data`: files, a database, data frames; each hands out tables under standard names."""

from cxai_runner.data.sources.base import Source

__all__ = ["Source"]
