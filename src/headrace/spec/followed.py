"""What is done with a model as rows come into its spine."""

from headrace.spec.declaration import Declaration
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.model import Model
from headrace.spec.streams import Streamed


class Followed(Declaration, frozen=True):
    """A model whose spine is followed by `headrace stream`."""

    model: Model

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.model, Model):
            what = f"the model of {type(self).__name__}"
            raise InvalidOption(what, type(self.model).__name__, "an hr.Model of the project", location=self.location)

    def check_streamed(self, what_for: str) -> None:
        """Hold the spine to have rows that come; `what_for` tells what they would be to the model.

        Raises:
            SpecError: if it has not.
        """
        spine = self.model.features.spine
        if not isinstance(getattr(spine, "source", None), Streamed):
            raise SpecError(
                f"the rows of {spine.name!r}, which the model {self.model.name!r} {what_for}, are not streamed.",
                remedy=f"Give {spine.name!r} a source that is followed: hr.Kafka(...) or hr.Replay(...).",
                location=self.location,
            )
