"""Reading `project.py`: the user's own code, run in a boundary that says which of its lines was at fault."""

import sys
import traceback
import types
from pathlib import Path

from headrace.app.errors import ProjectNotFound, ProjectNotLoadable
from headrace.app.misuse import remedy_of
from headrace.core.errors import HeadraceError
from headrace.core.locations import Location
from headrace.spec.project import Project


def load_project(path: Path) -> Project:
    """Run a project file and return the `hr.Project` it declares.

    Raises:
        ProjectNotFound: if the file is not there.
        ProjectNotLoadable: if it raises something of its own, or declares no project or several.
        SpecError: if a declaration is wrong, with the file and the line.
    """
    if not path.is_file():
        raise ProjectNotFound(str(path))
    module = types.ModuleType("project")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses and other libraries look for the module of what is declared in it
    sys.path.insert(0, str(path.parent))
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)  # noqa: S102  the project file is the team's own code
    except HeadraceError as error:
        error.location = error.location or _location(error, path)
        raise
    except Exception as error:  # whatever the team's own code raises is reported with its own line, never as a stack trace of ours
        raise _not_loadable(error, module, path) from error
    finally:
        sys.path.remove(str(path.parent))
    return _the_project(module, path)


def _the_project(module: types.ModuleType, path: Path) -> Project:
    found = {id(value): value for value in vars(module).values() if isinstance(value, Project)}
    if len(found) != 1:
        problem = "declares no hr.Project" if not found else f"declares {len(found)} projects"
        raise ProjectNotLoadable(
            f"{path.name} {problem}.", "End the file with one: project = hr.Project('name', models=[...])", Location(str(path), 1)
        )
    return next(iter(found.values()))


def _not_loadable(error: Exception, module: types.ModuleType, path: Path) -> ProjectNotLoadable:
    location = _location(error, path)
    words = error.msg if isinstance(error, SyntaxError) else str(error)  # its own text repeats the file and the line
    return ProjectNotLoadable(f"{type(error).__name__}: {words}", remedy_of(error, module, location.line if location else None), location)


def _location(error: Exception, path: Path) -> Location | None:
    if isinstance(error, SyntaxError) and error.lineno:
        return Location(error.filename or str(path), error.lineno)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path) and frame.lineno]
    return Location(str(path), lines[-1]) if lines else None
