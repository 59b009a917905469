"""Flag, then environment, then headrace.toml, then default; and each says where it came from."""

from datetime import timedelta
from pathlib import Path

import pytest

from headrace.app.errors import SettingInvalid
from headrace.app.settings import Settings, read_settings


def origins(settings: Settings) -> dict[str, tuple[str, str]]:
    return {each.name: (each.value, each.origin) for each in settings.values}


def test_defaults_lie_beside_the_project(tmp_path):
    found = read_settings(tmp_path / "project.py", {})
    assert found.home == tmp_path / ".headrace"
    assert found.ledger_url == f"sqlite:///{tmp_path}/.headrace/ledger.db"
    assert found.lake_url == str(tmp_path / ".headrace")
    assert (found.workers, found.prices_file) == (2, None)
    assert found.keys == tmp_path / ".headrace" / "keys"
    assert set(origins(found).values()) == {(".headrace", "default"), ("", "default"), ("2", "default"), ("24h", "default")}


def test_the_nearer_wins(tmp_path):
    (tmp_path / "headrace.toml").write_text('home = "from_file"\nworkers = 5\nprices = "prices.toml"\n', encoding="utf-8")
    environment = {"HEADRACE_HOME": "from_environment", "HEADRACE_WORKERS": "7"}
    found = read_settings(tmp_path / "project.py", environment, {"home": "from_flag"})
    told = origins(found)
    assert told["home"] == ("from_flag", "--home")
    assert told["workers"] == ("7", "HEADRACE_WORKERS")
    assert told["prices"] == ("prices.toml", "headrace.toml")
    assert told["lake"] == ("", "default")
    assert (found.home, found.workers, found.prices_file) == (tmp_path / "from_flag", 7, tmp_path / "prices.toml")
    assert read_settings(tmp_path / "project.py", environment, {"home": None}).home == tmp_path / "from_environment"


def test_an_absolute_home_and_urls_stay_as_they_are(tmp_path):
    found = read_settings(tmp_path / "project.py", {"HEADRACE_HOME": "/elsewhere", "HEADRACE_LEDGER": "postgresql://host/db"})
    assert found.home == Path("/elsewhere")
    assert found.ledger_url == "postgresql://host/db"


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", ""])
def test_workers_are_a_whole_number_above_zero(tmp_path, value):
    with pytest.raises(SettingInvalid, match=r"the setting workers is .* \(from HEADRACE_WORKERS\)"):
        read_settings(tmp_path / "project.py", {"HEADRACE_WORKERS": value})


def test_a_file_that_is_not_toml_or_names_no_setting_is_told(tmp_path):
    path = tmp_path / "headrace.toml"
    path.write_text("home = ", encoding="utf-8")
    with pytest.raises(SettingInvalid, match="TOML"):
        read_settings(tmp_path / "project.py", {})
    path.write_text('hme = "x"', encoding="utf-8")
    with pytest.raises(SettingInvalid, match="Did you mean 'home'"):
        read_settings(tmp_path / "project.py", {})


def test_a_limit_on_steps_is_a_duration_or_none(tmp_path):
    def limit(text):
        return read_settings(tmp_path / "project.py", {"HEADRACE_STEP_TIMEOUT": text}).step_timeout

    assert limit("90m") == timedelta(minutes=90)
    assert limit("none") is None
    with pytest.raises(SettingInvalid, match=r"step_timeout is 'soon' \(from HEADRACE_STEP_TIMEOUT\)"):
        limit("soon")
