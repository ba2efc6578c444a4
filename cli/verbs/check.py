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
    from cli.support import check_options as wishes
    from cli.support.write_results import fails

    config, names = wishes.settings(paths)
    wish = wishes.wish_of(config, names, format_, select, ignore, allow_unsupported, verbose)
    if watch:
        from cli.support.inputs import files
        from cli.support.watch import watching

        watching(lambda: files(paths, config.exclude), lambda changed: wishes.run(changed, wish, format_))
        return
    if fails(wishes.run(names, wish, format_), wishes.limit(config, fail_on)):
        raise typer.Exit(1)
