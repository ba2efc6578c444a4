"""`tempor8 explain CODE`: the page of a diagnostic code."""

from typing import Annotated

import typer

from cli.support.listing import Json, write_list
from cli.support.options import verb

app = verb()


@app.command()
def explain(
    code: Annotated[str, typer.Argument(help="A code, such as N8T301, or the name of its class.")], json: Json = False
) -> None:
    """Show the page of a diagnostic code."""
    from compiler.report.pages import page, rules
    from compiler.suggest import suggestion

    codes = {each.code: each for each in rules()}
    rule = codes.get(code.upper()) or next((each for each in codes.values() if each.__name__ == code), None)
    if rule is None:
        hint = suggestion(code.upper(), codes)
        typer.echo(f"there is no code {code!r}; {hint or '`tempor8 rules` lists them'}", err=True)
        raise typer.Exit(2)
    write_list([rule], page, lambda each: {"code": each.code, "name": each.__name__, "page": page(each)}, as_json=json)
