"""The six tests of a useful segmentation: what is asked, how it is judged, and how it reads.

Segments are worth having where they can be recognised, are large enough, can be reached, last, respond differently and
call for different action (Wedel and Kamakura (2000), Market segmentation, section 1.2; Kotler's criteria). Each is a
figure with an interval, held to a threshold that the config sets.
"""

from tasks.segmentation.useful.config import Useful
from tasks.segmentation.useful.judge import Judged, judge

__all__ = ["Judged", "Useful", "judge"]
