"""Will this customer convert, and do networks say it better than the models that would be used instead."""

from tasks.conversion.task import Conversion

__all__ = ["Conversion"]
