"""Whether a customer converts: columns made ready, classes balanced and corrected, a network, calibration.

Nothing is offered here by name, so that a saved model, which brings the modules it is made of, loads none that trains.
"""
