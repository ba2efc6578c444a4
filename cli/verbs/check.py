"""`tempor8 check`: report every finding about exports, without writing anything."""

import typer

from cli.support.options import AllowUnsupported, FailOns, Format, Formats, Ignore, Paths, Select, Verbose, Watch, verb

app = verb()


@app.command()
def check(
    paths: Paths,
    format_: Formats = Format.TEXT,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOns = None,
    allow_unsupported: AllowUnsupported = None,
    verbose: Verbose = False,
    watch: Watch = False,
) -> None:
    """Report every finding about exports, without writing anything.

    Exit code 0: nothing at --fail-on or above. 1: something. 2: usage or input and output.
    """
    from cli.support.check_options import check_options, fail_level, load_inputs
    from cli.support.write_results import check_and_write, has_failed

    config, names = load_inputs(paths)
    options = check_options(config, names, format_, select, ignore, allow_unsupported, verbose)
    if watch:
        from cli.support.inputs import files
        from cli.support.watch import watch_files

        watch_files(lambda: files(paths, config.exclude), lambda changed: check_and_write(changed, options, format_))
        return
    if has_failed(check_and_write(names, options, format_), fail_level(config, fail_on)):
        raise typer.Exit(1)
