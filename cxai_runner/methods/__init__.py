"""Estimators and economics of our own, where no well-kept library has them: scikit-learn's API, usable in a notebook.

Nothing here knows of configs, tasks or tracking.
"""
