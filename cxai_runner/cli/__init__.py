"""The command line: one thin file per command, each loaded only when it is called.

Here alone a user's mistake becomes words and an exit code: 2 for a mistake, 1 for a failure of ours or of a fit, 130
and 143 when interrupted or terminated.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Any

import click

from cxai_runner import __version__

COMMANDS = {
    "run": "Run one experiment: compose, check, fit, evaluate, log.",
    "sweep": "Run many experiments: a grid, random draws, or a search that learns.",
    "list": "List tasks, data, models, features, splits, sweeps, promotions or runs.",
    "inspect": "Look at a table, and propose a config for it.",
    "show": "Show what a run found.",
    "compare": "Compare runs: what differs, and whether it is more than noise.",
    "predict": "Score new rows with a model in the store.",
    "report": "Render a run's report again from what it logged, and say where it is.",
    "reproduce": "Make a run again, and say whether it came to the same.",
    "export": "Write a run into a folder that can be sent and repeated elsewhere.",
    "promote": "Register a run's model, and put it in charge where it passes the gates.",
    "history": "Show who put which version of a model in charge, when and why.",
    "rollback": "Put an earlier champion of a model in charge again.",
    "doctor": "Check this installation, this machine and the tracking store.",
    "cache": "Show or clear the feature cache.",
    "ui": "Open MLflow's pages, on this machine only.",
    "completion": "Print the completion script for your shell.",
}


class _Lazy(click.Group):
    """A group whose commands are imported when called; their one-line help is known without."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cxai_runner.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from cxai_runner.config.problems import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command `{args[0]}`; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  cxai run task=purchase_incidence features.category=YOGURT",
)
@click.version_option(__version__, prog_name="cxai", message="%(prog)s %(version)s")
def cxai() -> None:
    """Declarative experiments for customer analytics.

    A config names the data, the features and the task; cxai fits, evaluates beside a baseline, and leaves a tracked
    run in MLflow.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(exit_code(arguments))


def exit_code(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    from cxai_runner.cli import output
    from cxai_runner.config.problems import UserError

    as_json = "--json" in (sys.argv if arguments is None else arguments)
    try:
        result: Any = cxai.main(args=arguments, prog_name="cxai", standalone_mode=False)
    except click.exceptions.Abort:
        _caught()
        return output.tell_failure("interrupted", 130, as_json=as_json)
    except click.ClickException as error:
        error.show()
        return output.tell_failure(error.format_message(), 2, as_json=as_json, told=True)
    except UserError as error:
        return output.tell_problems(error, as_json=as_json)
    except BrokenPipeError:
        return 0
    except Exception as error:  # the last resort: a fault of ours, told in a line unless somebody wants to mend it
        if "CXAI_DEBUG" in os.environ:
            raise
        return output.tell_failure(*_in_words(error), as_json=as_json)
    return result if isinstance(result, int) else 0


def _in_words(error: Exception) -> tuple[str, int]:
    """What to say of an error that nobody expected, and the exit code."""
    from cxai_runner.tracking.signals import was_interrupted

    if was_interrupted(error):
        return "interrupted", 130
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        where = f"the disk of {error.filename}" if error.filename else "a disk that is written to (`df` shows which)"
        return f"no space is left on {where}; make room, then type the same command again", 1
    return f"cxai failed: {type(error).__name__}: {error} (CXAI_DEBUG=1 shows where)", 1


def _caught() -> None:
    """Let the exit code stand, wherever the interrupt struck.

    Python remembers a KeyboardInterrupt that leaves code executed from a string, as dataclasses execute theirs, though
    it was caught further out; under ``python -m`` it then kills itself with SIGINT at its end, whatever code it was to
    exit with. Executing a string once more makes it forget (CPython, `run_eval_code_obj`).
    """
    exec("")  # noqa: S102
