"""From a run to the model in charge: registered, judged at gates, put in place, recorded, and taken back."""
