"""Every kind of broken input that Headrace is held to."""

from broken_inputs.apis import APIS
from broken_inputs.databases import DATABASES
from broken_inputs.descriptions import DESCRIPTIONS
from broken_inputs.files import FILES
from broken_inputs.kinds import Kind
from broken_inputs.texts import TEXTS
from broken_inputs.values import VALUES

CATALOGUE: dict[str, tuple[Kind, ...]] = {
    "Files": FILES,
    "Texts": TEXTS,
    "Rows and columns": VALUES,
    "Databases": DATABASES,
    "APIs": APIS,
    "The description": DESCRIPTIONS,
}
