"""librdkafka's own settings, as far as they can be judged before it is asked."""

from collections.abc import Mapping

from headrace.core.errors import closest
from headrace.core.locations import Location
from headrace.spec.auth import require_placeholder
from headrace.spec.errors import InvalidOption, SpecError, UnknownName

_OURS = {
    "bootstrap.servers": "servers=",
    "metadata.broker.list": "servers=",
    "group.id": "group=",
    "auto.offset.reset": "start=",
    "enable.auto.commit": "nothing: positions are kept with the state",
    "enable.auto.offset.store": "nothing: positions are kept with the state",
    "isolation.level": "nothing: only what was committed is read",
    "partition.assignment.strategy": "nothing: partitions move one by one",
    "enable.partition.eof": "nothing",
}
_SECRET = frozenset(
    {
        "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.config",
        "sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.assertion.private.key.pem",
    }
)  # fmt: skip
_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
_SECURITY = _SECRET | frozenset(
    {
        "enable.sasl.oauthbearer.unsecure.jwt", "enable.ssl.certificate.verification", "https.ca.location", "https.ca.pem",
        "sasl.kerberos.keytab", "sasl.kerberos.kinit.cmd", "sasl.kerberos.min.time.before.relogin", "sasl.kerberos.principal",
        "sasl.kerberos.service.name", "sasl.mechanism", "sasl.mechanisms", "sasl.oauthbearer.assertion.algorithm",
        "sasl.oauthbearer.assertion.claim.aud", "sasl.oauthbearer.assertion.claim.exp.seconds", "sasl.oauthbearer.assertion.claim.iss",
        "sasl.oauthbearer.assertion.claim.jti.include", "sasl.oauthbearer.assertion.claim.nbf.seconds",
        "sasl.oauthbearer.assertion.claim.sub", "sasl.oauthbearer.assertion.file", "sasl.oauthbearer.assertion.jwt.template.file",
        "sasl.oauthbearer.assertion.private.key.file", "sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.extensions", "sasl.oauthbearer.grant.type", "sasl.oauthbearer.metadata.authentication.type",
        "sasl.oauthbearer.method", "sasl.oauthbearer.scope", "sasl.oauthbearer.sub.claim.name", "sasl.oauthbearer.token.endpoint.url",
        "sasl.username", "security.protocol", "ssl.ca.certificate.stores", "ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location",
        "ssl.certificate.pem", "ssl.cipher.suites", "ssl.crl.location", "ssl.curves.list", "ssl.endpoint.identification.algorithm",
        "ssl.engine.id", "ssl.engine.location", "ssl.key.location", "ssl.keystore.location", "ssl.providers", "ssl.sigalgs.list",
    }
)  # fmt: skip
"""Those that decide who is let in, of librdkafka 2.16: a misspelt one of these is not to be found out at the broker."""
_ABOUT_SECURITY = ("security.", "sasl.", "ssl.", "enable.ssl.", "enable.sasl.", "https.")


def check_options(options: Mapping[str, str], location: Location | None) -> None:
    """Check that no option is one of ours, that those about security exist, and that no secret is written plainly.

    Raises:
        SpecError: naming the option; never a secret.
    """
    for name, value in options.items():
        what = f"the option {name!r} of Kafka"
        if not isinstance(value, str):
            # Only its type is told: it may be a secret.
            raise InvalidOption(what, type(value).__name__, 'a text, such as "300000" or "true"', location=location)
        if name in _OURS:
            raise SpecError(f"{what} is not for you to set.", remedy=f"Use {_OURS[name]}.", location=location)
        if name.startswith(_ABOUT_SECURITY) and name not in _SECURITY:
            raise UnknownName("option", name, _near(name), where="Kafka: ", location=location)
        if name in _SECRET:
            require_placeholder(what, value, location)
        if name == "security.protocol" and not value.startswith("${") and value.lower() not in _PROTOCOLS:
            raise InvalidOption(what, value, f"one of {', '.join(_PROTOCOLS)}", location=location)


def check_servers(whose: str, servers: str, location: Location | None) -> None:
    """Check that brokers are written as `host:port`, with commas between.

    Raises:
        SpecError: if they are not. What is written is not repeated: whoever writes a URL here may have a password in it.
    """
    named = [each.strip() for each in servers.split(",")]
    if "://" in servers or "@" in servers or not all(named) or any(" " in each for each in named):
        raise SpecError(
            f"the servers of {whose} are not written as host:port.",
            remedy="Write servers='host:9092', several with commas between; user and password go into options={'sasl.username': ...}.",
            location=location,
        )


def _near(name: str) -> list[str]:
    alike = [each for each in _SECURITY if each.split(".")[0] == name.split(".")[0]]
    near = closest(name, _SECURITY)
    return [*alike, near] if near and near not in alike else alike
