"""Many runs of one question: planned and checked first, resumed by default, searched and shared out.

`plan` says what there is to do, `coordinator.sweep` does it: workers compute, one process writes, MLflow is the ledger.
"""
