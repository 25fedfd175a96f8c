"""New rows scored with a model in a store: checked first, read a few at a time, written whole or not at all."""

from cxai_runner.lifecycle.predict.flow import Predictions, predict

__all__ = ["Predictions", "predict"]
