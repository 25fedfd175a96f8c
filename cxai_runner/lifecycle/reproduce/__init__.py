"""A run made again, and what that shows: the same to the bit, within a tolerance, or something else, and why."""

from cxai_runner.lifecycle.reproduce.again import reproduce
from cxai_runner.lifecycle.reproduce.original import Asked, Original
from cxai_runner.lifecycle.reproduce.verdict import Reproduction, Stage

__all__ = ["Asked", "Original", "Reproduction", "Stage", "reproduce"]
