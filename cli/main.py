"""The `tempor8` command. A verb is one file in `verbs/` and one line in `VERBS`; it is loaded when it is called.

A verb's file has a typer app named `app`: one command, or several when the verb has verbs of its own
(`tempor8 workflow start`). What is heavy is imported inside the functions, so that `tempor8 check` starts quickly.
"""

import atexit
import gc
import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
import typer.main
from typer.core import TyperGroup

from cli.support.proxies import exempt_this_machine

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for plugins, of which none is used, takes 20 ms
exempt_this_machine(os.environ)

VERBS: Final = {
    "compile": ("cli.verbs.compile", "Compile exports into plans."),
    "check": ("cli.verbs.check", "Report every finding about exports, without writing anything."),
    "explain": ("cli.verbs.explain", "Show the page of a diagnostic code."),
    "rules": ("cli.verbs.rules", "List every diagnostic code."),
    "report": ("cli.verbs.report", "Report what of a folder of exports can run, and what to build or replace first."),
    "graph": ("cli.verbs.graph", "Draw an export as Mermaid or SVG."),
    "diff": ("cli.verbs.diff", "Show how two exports differ in meaning."),
    "run": ("cli.verbs.run", "Compile an export and run it once, durably, on the embedded profile."),
    "test": ("cli.verbs.test", "Run recorded cases offline and report what differs."),
    "dev": ("cli.verbs.dev", "Start the whole service on this machine, until Ctrl-C."),
    "demo": ("cli.verbs.demo", "Show an export become a durable run that survives a kill."),
    "worker": ("cli.verbs.worker", "Run steps and workflows until SIGTERM or Ctrl-C."),
    "workers": ("cli.verbs.workers", "Show and promote builds of the worker."),
    "workflow": ("cli.verbs.workflow", "Start and manage runs over the REST API."),
    "repair": ("cli.verbs.repair", "See what is wrong with many runs, and try them again, over the REST API."),
    "publish": ("cli.verbs.publish", "Compile exports and publish them for a tenant."),
    "templates": ("cli.verbs.templates", "List, activate and delete published templates over the REST API."),
    "agents": ("cli.verbs.agents", "List, show, evaluate and serve the specialist agents."),
    "migrate": ("cli.verbs.migrate", "Bring the database up to date, as its owner."),
    "tenants": ("cli.verbs.tenants", "Create and delete tenants and API keys."),
    "audit": ("cli.verbs.audit", "Show who changed what."),
    "credentials": ("cli.verbs.credentials", "Set what a tenant's steps log in with."),
    "keys": ("cli.verbs.keys", "Rotate the data keys of tenants."),
    "variables": ("cli.verbs.variables", "Set what workflows read as $vars."),
    "tables": ("cli.verbs.tables", "Create and show the data tables of a tenant."),
    "integrations": ("cli.verbs.integrations", "List, show, draft and check the nodes of vendors."),
    "doctor": ("cli.verbs.doctor", "Try the walls around children that run code, and list those that are missing."),
    "serve": ("cli.verbs.serve", "Serve the REST API and the webhooks."),
    "schemas": ("cli.verbs.schemas", "Write JSON Schemas of exports, plans, findings and node parameters."),
    "fmt": ("cli.verbs.fmt", "Write exports in one canonical form, for review in git."),
}

COMPILING: Final = ("check", "compile", "report", "explain", "rules", "graph", "diff", "fmt")
"""Verbs that load much, make many small objects and end: a search for garbage in circles costs a tenth of their time."""
SPEAK_JSON: Final = {"workflow", "repair", "templates", "run"}
"""Verbs whose answers are JSON in any case: they take `--json` as the others do, so that a script need not know which is which."""
SERVICES: Final = {"dev", "demo", "worker", "serve"}
"""Verbs in which a file that cannot be read or written is a fault of ours: they log where."""
COLLECT_EVERY: Final = 500_000
"""Objects that such a verb makes between two searches."""


class Verbs(TyperGroup):
    """Loads the file of a verb when the verb is called or its help is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return every verb, in the order of the table."""
        del ctx
        return list(VERBS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of a verb and the rest of the words; of an unknown one, say what may have been meant."""
        if args and args[0] not in VERBS:
            from difflib import get_close_matches

            near = " or ".join(map(repr, get_close_matches(args[0], VERBS)))
            ctx.fail(f"No such command {args[0]!r}.{f' Did you mean {near}?' if near else ''}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a verb; None when there is no such verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, sentence = VERBS[cmd_name]
        if cmd_name in COMPILING:
            gc.set_threshold(COLLECT_EVERY, 20, 20)
        command = typer.main.get_command(import_module(module).app)
        command.name = cmd_name
        command.help = command.help or sentence
        if cmd_name in SPEAK_JSON:
            _accept_json(command)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of verbs, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in VERBS.items()])


def _accept_json(command: Any) -> None:
    """Let a command, and those below it, take `--json`."""
    for each in getattr(command, "commands", {}).values():
        _accept_json(each)
    if not hasattr(command, "commands") and not any("--json" in parameter.opts for parameter in command.params):
        command.params.append(_json_option())


def _json_option() -> Any:
    """Return an option as typer makes it, whose value goes nowhere."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def probe(
        json: Annotated[bool, typer.Option("--json", help="For programs. The answer is JSON in any case.")] = False,
    ) -> None:
        del json

    option = typer.main.get_command(app).params[0]
    option.expose_value = False
    return option


app = typer.Typer(
    name="tempor8",
    cls=Verbs,
    help="Compile n8n workflow exports into plans and run them as durable Temporal workflows.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs a tenth of a second at start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"tempor8 {version('tempor8')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options before the verb."""
    del version


def main(**options: Any) -> None:
    """Run the command, and end the process with its exit code."""
    try:
        app(**options)
    except SystemExit as exit_:
        if "temporalio.bridge" in sys.modules:
            _end(exit_.code)
        raise
    except OSError as error:
        if error.filename is None or sys.argv[1:2] == [] or sys.argv[1] in SERVICES:
            raise
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise SystemExit(2) from None


def _end(code: Any) -> None:
    """End the process at once: threads of the SDK's core may call into an interpreter that is shutting down, which aborts it
    and gives another exit code.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - handlers of the exit still run
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
