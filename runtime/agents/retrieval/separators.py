"""Where texts in a language may be cut, best places first: LangChain's lists (MIT)."""

from typing import Final

_END: Final = ("\n\n", "\n", " ", "")


def _lines(*openings: str) -> tuple[str, ...]:
    """Return separators at lines that begin with these words."""
    return (*(f"\n{each} " for each in openings), *_END)


def _latex(*commands: str) -> tuple[str, ...]:
    return tuple(f"\n\\{each}" for each in commands)


SEPARATORS: Final[dict[str, tuple[str, ...]]] = {
    "cpp": _lines("class", "void", "int", "float", "double", "if", "for", "while", "switch", "case"),
    "go": _lines("func", "var", "const", "type", "if", "for", "switch", "case"),
    "java": _lines("class", "public", "protected", "private", "static", "if", "for", "while", "switch", "case"),
    "js": _lines("function", "const", "let", "var", "class", "if", "for", "while", "switch", "case", "default"),
    "php": _lines("function", "class", "if", "foreach", "while", "do", "switch", "case"),
    "proto": _lines("message", "service", "enum", "option", "import", "syntax"),
    "python": ("\nclass ", "\ndef ", "\n\tdef ", *_END),
    "rst": ("\n===\n", "\n---\n", "\n***\n", "\n.. ", *_END),
    "ruby": _lines("def", "class", "if", "unless", "while", "for", "do", "begin", "rescue"),
    "rust": _lines("fn", "const", "let", "if", "while", "for", "loop", "match", "const"),
    "scala": _lines("class", "object", "def", "val", "var", "if", "for", "while", "match", "case"),
    "swift": _lines("func", "class", "struct", "enum", "if", "for", "while", "do", "switch", "case"),
    "markdown": (
        *(f"\n{'#' * level} " for level in range(2, 7)),
        "```\n\n",
        "\n\n***\n\n",
        "\n\n---\n\n",
        "\n\n___\n\n",
        *_END,
    ),
    "latex": (
        *_latex("chapter{", "section{", "subsection{", "subsubsection{"),
        *_latex("begin{enumerate}", "begin{itemize}", "begin{description}", "begin{list}", "begin{quote}"),
        *_latex("begin{quotation}", "begin{verse}", "begin{verbatim}", "begin{align}"),
        "$$",
        "$",
        *_END,
    ),
    "html": (
        *(f"<{tag}>" for tag in ("body", "div", "p", "br", "li", "h1", "h2", "h3", "h4", "h5", "h6", "span")),
        *(f"<{tag}>" for tag in ("table", "tr", "td", "th", "ul", "ol", "header", "footer", "nav")),
        *(f"<{tag}>" for tag in ("head", "style", "script", "meta", "title")),
        " ",
        "",
    ),
}
