"""The command `tallystick`: wires the verbs together and turns errors into messages and exit codes.

Exit codes: 0 done; 1 finding; 2 wrong input; 3 a source was unavailable or incomplete; 4 integrity failure; 5 another
scheduled turn is at work; 70 a bug of ours.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Annotated, NoReturn

import typer

import tallystick
from tallystick.cli import (
    backtest,
    bundle,
    check,
    claims,
    connectors,
    contract,
    contract_acts,
    demo,
    dispute,
    explain,
    export,
    import_,
    init,
    keys,
    ledger,
    review,
    run,
    sample,
    sinks,
    statement,
    sync,
    verify,
)
from tallystick.cli.output import print_error
from tallystick.errors import Error

__all__ = ["app", "main"]

app = typer.Typer(
    name="tallystick",
    help="Decide AI vendors' outcomes in your own system of record, and pay the statement both sides can recompute.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("check")(check.check)
app.add_typer(connectors.app, name="connectors")
app.command("sync")(sync.sync)
app.add_typer(claims.app, name="claims")
app.command("verify")(verify.verify)
contract_acts.register(contract.app)
app.add_typer(contract.app, name="contract")
app.command("backtest")(backtest.backtest)
app.command("explain")(explain.explain)
app.command("statement")(statement.statement)
app.command("recompute")(bundle.recompute)
app.command("countersign")(bundle.countersign)
app.add_typer(sample.app, name="sample")
app.command("review")(review.review)
app.add_typer(dispute.app, name="dispute")
app.command("run")(run.run)
app.add_typer(sinks.app, name="sinks")
app.add_typer(ledger.app, name="ledger")
app.add_typer(keys.app, name="keys")
app.command("export")(export.export)
app.command("import")(import_.import_)


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"tallystick {tallystick.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options that come before the verb."""


def _end(code: object) -> None:
    """End at once where a plugin left a thread that would keep the process, and the scheduler behind it, for ever."""
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        from tallystick.cli.reading import strays

        if strays({threading.main_thread()}):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _fail(error: Error) -> NoReturn:
    print_error(error, as_json="--json" in sys.argv)
    _end(error.exit_code)
    sys.exit(error.exit_code)


def _outside(error: Exception) -> Error | None:
    """Give what a database that failed while it was read means; without one loaded there is none."""
    if "tallystick.database.engine" not in sys.modules:
        return None
    from tallystick.database.engine import failure_of

    return failure_of(error)


def main() -> None:
    """Run the command line; every error becomes one message and the documented exit code, never a traceback."""
    try:
        app()
    except SystemExit as done:
        _end(done.code)
        raise
    except Error as error:
        _fail(error)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing to say and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as bug:  # the outermost handler: whatever is left becomes one message and an exit code
        if os.environ.get("TALLYSTICK_DEBUG"):
            raise
        if (outside := _outside(bug)) is not None:
            _fail(outside)
        sys.stderr.write(
            f"error: this is a bug in Tallystick: {type(bug).__name__}: {bug}\n"
            "  What was durable before still is. Set TALLYSTICK_DEBUG=1 for the traceback and report it.\n"
        )
        sys.exit(70)
