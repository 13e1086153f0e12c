"""Which server and as whom, from options, the session of a login, the environment and a file."""

import os
import re
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero import login_store
from pyomero_upload.targets.omero.login_store import StoredSession
from pyomero_upload.targets.omero.settings import NoServerError, Said, find_settings

KEY = "0e9a3b9e-5d0c-4d0f-9d55-3c0d4c1a7f11"


@pytest.fixture(autouse=True)
def nothing_said(tmp_path, monkeypatch):
    """Nobody has logged in, set variables or written a configuration file."""
    for name in [name for name in os.environ if name.startswith("OMERO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "config.yaml"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
        return file

    return write


def logged_in(host="login.org", user="lena", port=4064, group=None):
    stored = StoredSession(host, port, user, group, SecretStr(KEY))
    login_store.remember(stored)
    return stored


FROM_ENVIRONMENT = {"OMERO_HOST": "env.org", "OMERO_USER": "eva", "OMERO_PASSWORD": "e-secret"}
FROM_FILE = "server: file.org\nuser: fred\npassword: f-secret\n"


def test_options_come_before_everything_else(config):
    logged_in()
    settings = find_settings(
        Said(host="option.org", user="olga"),
        environment=FROM_ENVIRONMENT,
        config_file=config(FROM_FILE),
    )
    assert (settings.host, settings.user) == ("option.org", "olga")
    assert settings.session is None
    assert settings.password is None


def test_the_session_of_a_login_comes_before_environment_and_file(config):
    stored = logged_in()
    settings = find_settings(Said(), environment=FROM_ENVIRONMENT, config_file=config(FROM_FILE))
    assert (settings.host, settings.port, settings.user) == ("login.org", 4064, "lena")
    assert settings.session == SecretStr(KEY)
    assert settings.stored == stored
    assert settings.password is None


def test_the_environment_comes_before_the_file(config):
    settings = find_settings(Said(), environment=FROM_ENVIRONMENT, config_file=config(FROM_FILE))
    assert (settings.host, settings.user) == ("env.org", "eva")
    assert settings.password == SecretStr("e-secret")


def test_the_file_is_what_remains(config):
    settings = find_settings(Said(), environment={}, config_file=config(FROM_FILE))
    assert (settings.host, settings.user) == ("file.org", "fred")
    assert settings.password == SecretStr("f-secret")


def test_ones_own_file_is_found_without_being_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "pyomero_upload.targets.omero.settings.user_config_path",
        lambda name, appauthor: tmp_path / "config" / name,
    )
    file = tmp_path / "config" / "pyomero-upload" / "config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("server: mine.org\nweb: https://web.mine.org\n", encoding="utf-8")
    settings = find_settings(Said(), environment={})
    assert settings.host == "mine.org"
    assert settings.web == "https://web.mine.org"


def test_a_weaker_source_completes_a_stronger_one_on_the_same_server(config):
    file = config("server: OPTION.org\nuser: olga\npassword: p\ngroup: lab\nport: 14064\n")
    settings = find_settings(Said(host="option.org"), environment={}, config_file=file)
    assert (settings.port, settings.user, settings.group) == (14064, "olga", "lab")
    assert settings.password == SecretStr("p")


def test_the_password_of_another_server_is_not_used():
    settings = find_settings(Said(host="option.org", user="eva"), environment=FROM_ENVIRONMENT)
    assert settings.password is None


def test_the_password_of_another_user_is_not_used():
    settings = find_settings(Said(host="env.org", user="olga"), environment=FROM_ENVIRONMENT)
    assert settings.password is None


def test_another_port_of_the_same_machine_is_another_server():
    settings = find_settings(Said(host="env.org", port=14064), environment=FROM_ENVIRONMENT)
    assert settings.password is None
    settings = find_settings(Said(host="env.org", port=4064), environment=FROM_ENVIRONMENT)
    assert settings.password == SecretStr("e-secret")


def test_a_port_alone_is_a_port_of_the_server_that_is_named_elsewhere():
    settings = find_settings(Said(port=14064), environment=FROM_ENVIRONMENT)
    assert (settings.host, settings.port) == ("env.org", 14064)
    assert settings.password == SecretStr("e-secret")


@pytest.mark.parametrize(
    "said",
    [Said(host="other.org"), Said(user="olga"), Said(port=1), Said("login.org", 4064, "olga")],
)
def test_the_session_of_another_server_or_user_is_not_used(said):
    logged_in()
    assert find_settings(said, environment={}).session is None


def test_of_several_sessions_the_one_that_was_asked_for_is_used():
    other = StoredSession("other.org", 4064, "lena", None, SecretStr(KEY.replace("0e9", "1e9")))
    login_store.remember(other)
    logged_in()
    assert find_settings(Said(), environment={}).stored.host == "login.org"
    assert find_settings(Said(host="other.org"), environment={}).stored == other


def test_after_a_logout_the_server_of_the_last_login_is_the_last_resort():
    login_store.forget(logged_in())
    settings = find_settings(Said(), environment={})
    assert (settings.host, settings.user, settings.session) == ("login.org", "lena", None)
    assert find_settings(Said(), environment=FROM_ENVIRONMENT).host == "env.org"


def test_no_server_at_all_is_told_with_what_to_do():
    with pytest.raises(NoServerError) as told:
        find_settings(Said(user="olga"), environment={})
    assert "--server" in told.value.hint
    assert "pyomero login" in told.value.hint


def test_the_session_of_the_environment_is_one_to_join_and_not_a_login():
    settings = find_settings(Said(), environment={"OMERO_HOST": "env.org", "OMERO_SESSION": KEY})
    assert settings.session == SecretStr(KEY)
    assert settings.stored is None
    assert settings.user is None


def test_working_in_anothers_place_needs_to_know_in_whose():
    with pytest.raises(UsageError, match="whom to work as"):
        find_settings(Said(host="a.org"), sudo="admin", environment={})


def test_in_anothers_place_the_administrators_password_and_login_are_used_and_not_the_users():
    stored = logged_in(user="admin", group="staff")
    environment = {"OMERO_HOST": "login.org", "OMERO_USER": "olga", "OMERO_PASSWORD": "o-secret"}
    settings = find_settings(Said(user="olga"), sudo="admin", environment=environment)
    assert (settings.user, settings.sudo, settings.stored) == ("olga", "admin", stored)
    assert settings.password is None
    assert settings.group is None  # that of the login is the administrator's


def test_the_published_tools_configuration_file_is_understood(config):
    file = config(
        "omero_conn:\n  username: fred\n  password: f-secret\n  server: file.org\n  port: 14064\n"
    )
    settings = find_settings(Said(), environment={}, config_file=file)
    assert (settings.host, settings.port, settings.user) == ("file.org", 14064, "fred")
    assert settings.password == SecretStr("f-secret")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "server: a.org\nsevrer: b.org\n",
            "config.yaml:2: sevrer: unknown key; did you mean server?",
        ),
        ("port: 70000\n", "config.yaml:1: port: input should be less than or equal to 65535"),
        ("server: a.org\nport: soon\n", "config.yaml:2: port"),
        ("server: [a, b]\n", "config.yaml:1: server"),
        ("omero_conn: {username: a}\nuser: b\n", "not in both"),
        ("server: {\n", "no YAML"),
    ],
)
def test_mistakes_in_the_configuration_file_are_told_by_line_and_key(config, text, told):
    with pytest.raises(UsageError) as error:
        find_settings(Said(), environment={}, config_file=config(text))
    assert told in error.value.message


def test_a_configuration_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        find_settings(Said(), environment={}, config_file=tmp_path / "none.yaml")


@pytest.mark.skipif(os.name != "posix", reason="permissions are another thing there")
def test_a_password_in_a_file_that_others_can_read_is_warned_of(config):
    file = config(FROM_FILE)
    assert find_settings(Said(), environment={}, config_file=file).warnings == ()
    file.chmod(0o644)
    (warning,) = find_settings(Said(), environment={}, config_file=file).warnings
    assert f"chmod 600 {file}" in warning
    file.write_text("server: a.org\n", encoding="utf-8")
    assert find_settings(Said(), environment={}, config_file=file).warnings == ()


def test_a_port_in_the_environment_that_is_none_is_told():
    with pytest.raises(UsageError, match="OMERO_PORT is 'x', which is no port"):
        find_settings(Said(), environment={"OMERO_HOST": "a.org", "OMERO_PORT": "x"})


def test_neither_password_nor_session_can_be_read_off_settings(config):
    stored = logged_in()
    settings = find_settings(
        Said(password=SecretStr("p-secret")), environment={}, config_file=config("web: x.org\n")
    )
    for text in (repr(settings), str(settings), repr(stored), repr(Said(session=SecretStr(KEY)))):
        assert "p-secret" not in text
        assert KEY not in text


@pytest.mark.skipif(os.name != "posix", reason="permissions are another thing there")
def test_the_store_of_sessions_can_be_read_by_its_user_alone(tmp_path):
    logged_in()
    assert stat.S_IMODE((tmp_path / "omero" / "sessions").stat().st_mode) == 0o700


def test_the_files_that_the_documentation_shows_are_understood(config):
    page = Path(__file__).parents[4] / "docs" / "reference" / "configuration.md"
    examples = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        settings = find_settings(Said(), environment={}, config_file=config(example))
        assert (settings.host, settings.port, settings.user) == ("omero.example.org", 4064, "olga")
