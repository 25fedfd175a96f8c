"""Segments by written rules: who is in them, who moves between them, and what each is worth."""

from tasks.managerial_segments.task import ManagerialSegments

__all__ = ["ManagerialSegments"]
