"""The place that tasks share."""

from pathlib import Path

import pytest

from headrace.app.spreading import shared_scratch
from headrace.app.workspace import Workspace
from headrace.lake.errors import LakeFault
from headrace.lake.place import Place


def refused(place: Place) -> None:
    raise OSError("the store is away")


def test_the_place_is_empty_and_gone_afterwards(workspace: Workspace) -> None:
    for _ in range(2):
        with shared_scratch(workspace, "x") as shared, shared.opened() as opened:
            assert list(opened.scratch.listed()) == []
            opened.scratch.put("a", b"1")
            folder = opened.scratch.folder
        assert isinstance(folder, Path)
        assert not folder.exists()


def work(workspace: Workspace, error: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that ends with an error or without one, and then the store is away."""
    with shared_scratch(workspace, "x"):
        monkeypatch.setattr(Place, "remove", refused)
        if error is not None:
            raise error


@pytest.mark.parametrize(("raised", "told"), [(KeyboardInterrupt, KeyboardInterrupt), (ValueError, ValueError), (None, LakeFault)])
def test_what_went_wrong_first_is_told(
    workspace: Workspace, raised: type[BaseException] | None, told: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(told):
        work(workspace, raised, monkeypatch)
