"""A run made again, and what that shows: the same to the bit, within a tolerance, or something else, and why."""

from cxai_runner.lifecycle.reproduce.again import Asked, Original, reproduce
from cxai_runner.lifecycle.reproduce.verdict import Reproduction, Stage

__all__ = ["Asked", "Original", "Reproduction", "Stage", "reproduce"]
