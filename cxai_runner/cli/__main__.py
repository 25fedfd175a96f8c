"""`python -m cxai_runner.cli`: the same as `cxai`."""

from cxai_runner.cli import main

main()
