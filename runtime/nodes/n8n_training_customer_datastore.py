"""Customer Datastore (n8n training): five made-up customers."""

from typing import Any, Final

from runtime.contract import Context, Dynamic, Inline, Items, Outputs, param
from runtime.values.javascript import js_number
from schemas.node import Conditions

_ALL: Final[Conditions] = {"operation": ["getAllPeople"]}
_COLUMNS: Final = ("id", "name", "email", "notes", "country", "created")
_PEOPLE: Final[tuple[tuple[str | None, ...], ...]] = (
    ("23423532", "Jay Gatsby", "gatsby@west-egg.com", "Keeps asking about a green light??", "US", "1925-04-10"),
    ("23423533", "José Arcadio Buendía", "jab@macondo.co", "Lots of people named after him. Very confusing", "CO", "1967-05-05"),
    ("23423534", "Max Sendak", "info@in-and-out-of-weeks.org", "Keeps rolling his terrible eyes", "US", "1963-04-09"),
    ("23423535", "Zaphod Beeblebrox", "captain@heartofgold.com", "Felt like I was talking to more than one person", None, "1979-10-12"),
    ("23423536", "Edmund Pevensie", "edmund@narnia.gov", "Passionate sailor", "UK", "1950-10-16"),
)  # fmt: skip


class CustomerDatastore(Inline):
    """The customers that n8n's courses work with, for each item."""

    type = "n8n-nodes-base.n8nTrainingCustomerDatastore"
    versions = (1,)

    operation: str = param("getOnePerson")
    return_all: Dynamic[bool] = param(False, show=_ALL)
    limit: Dynamic[float] = param(5, show={**_ALL, "returnAll": [False]})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return one customer, or the first ones, for each item."""
        out: Items = []
        for i in range(len(items)):
            node = context.resolve(self, i)
            count = (
                1
                if node.operation != "getAllPeople"
                else len(_PEOPLE)
                if node.return_all
                else int(js_number(node.limit))
            )
            out += [{"json": _person(each), "pairedItem": {"item": i}} for each in _PEOPLE[: max(count, 0)]]
        return [out]


def _person(row: tuple[str | None, ...]) -> dict[str, Any]:
    return dict(zip(_COLUMNS, row, strict=True))
