import os
import pwd

import pytest

from headrace.ledger.store import Ledger
from headrace.spec.people import Person
from headrace.team.errors import RevokedToken, TokenRequired, UnknownToken
from headrace.team.identity import Identity, current_identity
from headrace.team.tokens import issue_token, revoke_token

PEOPLE = (Person("ana", roles=["reviewer"]), Person("rita", roles=["trainer", "reviewer"]))


def test_the_variable_names_who_asks_and_the_project_gives_the_roles(ledger: Ledger) -> None:
    assert current_identity({"HEADRACE_USER": "rita"}, ledger, PEOPLE) == Identity("rita", ("trainer", "reviewer"), "HEADRACE_USER")


def test_a_stranger_has_no_roles(ledger: Ledger) -> None:
    assert current_identity({"HEADRACE_USER": "zoe"}, ledger, PEOPLE).roles == ()


@pytest.mark.parametrize("environment", [{}, {"HEADRACE_USER": " ", "HEADRACE_TOKEN": ""}, {"LOGNAME": "ana", "USER": "ana"}])
def test_else_it_is_the_systems_user_whatever_the_environment_claims(ledger: Ledger, environment: dict[str, str]) -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    assert current_identity(environment, ledger, PEOPLE) == Identity(name, (), "operating system")


def test_a_token_proves_who_asks(ledger: Ledger) -> None:
    token = issue_token(ledger, "ana", "laptop")
    environment = {"HEADRACE_TOKEN": f"{token}\n", "HEADRACE_USER": "rita"}
    assert current_identity(environment, ledger, PEOPLE) == Identity("ana", ("reviewer",), "token")


def test_who_holds_a_token_must_present_it(ledger: Ledger) -> None:
    issue_token(ledger, "ana", "laptop")
    with pytest.raises(TokenRequired, match=r"'ana' holds a token \(laptop\)"):
        current_identity({"HEADRACE_USER": "ana"}, ledger, PEOPLE)
    assert current_identity({"HEADRACE_USER": "rita"}, ledger, PEOPLE).name == "rita"


def test_an_unknown_token_is_not_shown(ledger: Ledger) -> None:
    with pytest.raises(UnknownToken) as caught:
        current_identity({"HEADRACE_TOKEN": "hr_guess", "HEADRACE_USER": "ana"}, ledger, PEOPLE)
    assert "hr_guess" not in str(caught.value)


def test_a_revoked_token_is_refused_and_frees_the_name(ledger: Ledger) -> None:
    token = issue_token(ledger, "ana", "laptop")
    revoke_token(ledger, "ana", "laptop")
    with pytest.raises(RevokedToken, match="2026-03-01 12:00"):
        current_identity({"HEADRACE_TOKEN": token}, ledger, PEOPLE)
    assert current_identity({"HEADRACE_USER": "ana"}, ledger, PEOPLE).how == "HEADRACE_USER"
