"""Flag, then environment, then headrace.toml, then default; and each says where it came from."""

from datetime import timedelta
from pathlib import Path

import pytest

from headrace.app.errors import SecretInFile, SettingInvalid, SettingsUnreadable
from headrace.app.settings import Settings, read_settings
from headrace.ledger.database import file_of


def origins(settings: Settings) -> dict[str, tuple[str, str]]:
    return {each.name: (each.value, each.origin) for each in settings.values}


def test_defaults_lie_beside_the_project(tmp_path):
    found = read_settings(tmp_path / "project.py", {})
    assert found.home == tmp_path / ".headrace"
    assert found.ledger_url == f"sqlite:///{tmp_path}/.headrace/ledger.db"
    assert found.lake_url == str(tmp_path / ".headrace")
    assert (found.workers, found.prices_file) == (2, None)
    assert found.keys == tmp_path / ".headrace" / "keys"
    assert set(origins(found).values()) == {
        (".headrace", "default"),
        ("", "default"),
        ("2", "default"),
        ("local", "default"),
        ("24h", "default"),
    }


def test_a_home_may_be_called_anything(tmp_path):
    home = tmp_path / "50% of what? ours"
    assert file_of(read_settings(tmp_path / "project.py", {}, {"home": str(home)}).ledger_url) == home / "ledger.db"


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


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²", ""])
def test_workers_are_a_whole_number_above_zero(tmp_path, value):
    with pytest.raises(SettingInvalid, match=r"the setting workers cannot be .* \(from HEADRACE_WORKERS\)"):
        read_settings(tmp_path / "project.py", {"HEADRACE_WORKERS": value})


def test_a_file_that_is_not_toml_or_names_no_setting_is_told(tmp_path):
    path = tmp_path / "headrace.toml"
    path.write_text("home = ", encoding="utf-8")
    with pytest.raises(SettingsUnreadable, match="cannot be read as TOML"):
        read_settings(tmp_path / "project.py", {})
    path.write_text('hme = "x"', encoding="utf-8")
    with pytest.raises(SettingInvalid, match="Did you mean 'home'"):
        read_settings(tmp_path / "project.py", {})


def test_a_limit_on_steps_is_a_duration_or_none(tmp_path):
    def limit(text):
        return read_settings(tmp_path / "project.py", {"HEADRACE_STEP_TIMEOUT": text}).step_timeout

    assert limit("90m") == timedelta(minutes=90)
    assert limit("none") is None
    with pytest.raises(SettingInvalid, match=r"step_timeout cannot be 'soon' \(from HEADRACE_STEP_TIMEOUT\)"):
        limit("soon")


def written(folder: Path, text: str) -> Path:
    (folder / "headrace.toml").write_text(text, encoding="utf-8")
    return folder / "project.py"


def test_a_placeholder_is_shown_and_stays(tmp_path):
    found = read_settings(written(tmp_path, 'ledger = "postgresql://ana:${WORD}@host/db"'), {"WORD": "hush"})
    assert found.ledger_url == "postgresql://ana:${WORD}@host/db"
    assert origins(found)["ledger"] == ("postgresql://ana:${WORD}@host/db", "headrace.toml")


@pytest.mark.parametrize(
    "line",
    [
        'ledger = "postgresql://ana:hush@host/db"',
        'ledger = "postgresql://host/db?password=hush"',
        '[lake_options]\nsecret_access_key = "hush"',
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path, line):
    with pytest.raises(SecretInFile, match=r"\$\{NAME\}") as caught:
        read_settings(written(tmp_path, line), {})
    assert "hush" not in str(caught.value)


def test_a_password_in_a_variable_or_a_flag_is_used_and_masked(tmp_path):
    url = "postgresql://ana:hush@host/db?sslpassword=hush"
    for found in (
        read_settings(tmp_path / "project.py", {"HEADRACE_LEDGER": url}),
        read_settings(tmp_path / "project.py", {}, {"ledger": url}),
    ):
        assert found.ledger_url == url
        assert origins(found)["ledger"][0] == "postgresql://ana:***@host/db?sslpassword=***"
        assert "hush" not in repr(found)


def test_options_of_the_lake_come_from_the_file_then_from_the_ordinary_variables(tmp_path):
    text = 'lake = "s3://bucket/p"\n[lake_options]\nregion = "eu-west-1"\nsecret_access_key = "${LAKE_KEY}"\n'
    environment = {
        "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SESSION_TOKEN": "hush",
        "AWS_SECRET_ACCESS_KEY": "not this one", "LAKE_KEY": "hush",
    }  # fmt: skip
    found = read_settings(written(tmp_path, text), environment)
    told = {name.partition(".")[2]: value for name, value in origins(found).items() if name.startswith("lake_options.")}
    assert told == {
        "region": ("eu-west-1", "headrace.toml"),
        "endpoint": ("http://127.0.0.1:9", "AWS_ENDPOINT_URL"),
        "access_key_id": ("AKIA", "AWS_ACCESS_KEY_ID"),
        "secret_access_key": ("${LAKE_KEY}", "headrace.toml"),
        "session_token": ("${AWS_SESSION_TOKEN}", "AWS_SESSION_TOKEN"),
    }
    assert "hush" not in repr(found)


def test_a_password_in_the_endpoint_of_the_lake_is_used_and_masked(tmp_path):
    environment = {"HEADRACE_LAKE": "s3://bucket/p", "AWS_ENDPOINT_URL": "http://user:hush@h"}
    found = read_settings(tmp_path / "project.py", environment)
    (endpoint,) = found.lake_options
    assert (endpoint.text, endpoint.shown) == ("http://user:hush@h", "http://user:***@h")
    assert "hush" not in repr(found)


def test_a_lake_in_a_folder_needs_no_options(tmp_path):
    assert read_settings(tmp_path / "project.py", {"AWS_REGION": "us-east-1", "AWS_SECRET_ACCESS_KEY": "hush"}).lake_options == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('lake = "s3://b"\n[lake_options]\nregoin = "x"', "Did you mean 'region'"),
        ('lake = "s3://b"\n[lake_options]\nendpoint = "127.0.0.1:9"', "a URL such as"),
        ('lake_options = "x"', "a table"),
        ('lake = "gs://bucket"', "s3://bucket/prefix"),
    ],
)
def test_what_the_lake_cannot_use_is_told(tmp_path, text, said):
    with pytest.raises(SettingInvalid, match=said):
        read_settings(written(tmp_path, text), {})


def test_the_online_state_is_in_the_home_in_a_folder_or_in_redis(tmp_path):
    assert read_settings(tmp_path / "project.py", {}).state_url is None
    assert read_settings(tmp_path / "project.py", {"HEADRACE_STATE": "online"}).state_url == str(tmp_path / "online")
    found = read_settings(tmp_path / "project.py", {"HEADRACE_STATE": "redis://:hush@host:6379/0"})
    assert found.state_url == "redis://:hush@host:6379/0"
    assert origins(found)["state"] == ("redis://:***@host:6379/0", "HEADRACE_STATE")
    assert "hush" not in repr(found)
    with pytest.raises(SettingInvalid, match=r"the setting state cannot be 'mongodb://x:\*\*\*@y' \(from HEADRACE_STATE\)"):
        read_settings(tmp_path / "project.py", {"HEADRACE_STATE": "mongodb://x:hush@y"})
    with pytest.raises(SecretInFile):
        read_settings(written(tmp_path, 'state = "redis://:hush@host:6379/0"'), {})


@pytest.mark.parametrize("engine", ["local", "ray", "head.example.org:6379", "127.0.0.1:6379", "[::1]:6379", "ray://head:10001"])
def test_an_engine_is_this_process_or_a_cluster(tmp_path, engine):
    assert read_settings(tmp_path / "project.py", {"HEADRACE_ENGINE": engine}).engine == engine


@pytest.mark.parametrize("engine", ["", "spark", "head", "http://head:1", "ray://head", "ray://me:word@head:1"])
def test_what_is_no_engine_is_refused(tmp_path, engine):
    with pytest.raises(SettingInvalid, match="host:port or ray://host:port") as caught:
        read_settings(tmp_path / "project.py", {"HEADRACE_ENGINE": engine})
    assert "word" not in str(caught.value)
