"""The one place that reads the environment: ``EXPOSURE_STORE`` and its like."""

import os
from getpass import getuser
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.failures import WRONG_USAGE, Failure


def user() -> str:
    """Whom the operating system says we are; nobody where it knows no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return ""


class Settings(BaseSettings):
    """``store`` is where everything is kept; ``documents_in_memory`` how many documents one process holds at most; ``operator`` is who acts where
    a command records who did it; ``tell_exposure`` whether changed figures go out (not said: where ``consume`` takes events); ``http`` is HOST:PORT
    where a consumer is watched, ``log`` and its like how it logs; the rest is about Kafka.

    ``kafka_prefix`` is put before the name of every topic, where several engines share a cluster.
    """

    model_config = SettingsConfigDict(env_prefix="EXPOSURE_", extra="ignore")

    store: str = "sqlite:///exposure.db"
    documents_in_memory: int = 100_000
    operator: str = Field(default_factory=user)
    tell_exposure: bool | None = None
    http: str | None = None
    log: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_seconds: float = Field(default=10.0, gt=0)
    kafka_bootstrap: str = Field(default="127.0.0.1:9092", validation_alias=AliasChoices("EXPOSURE_KAFKA_BOOTSTRAP", "KAFKA_BOOTSTRAP"))
    kafka_prefix: str = ""
    kafka_group: str = "exposure"
    kafka_member: str | None = None
    kafka_session_seconds: float = 10.0
    kafka_stall_seconds: float = 60.0
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: str | None = None
    kafka_ssl_certfile: str | None = None
    kafka_ssl_keyfile: str | None = None
    kafka_ssl_password: SecretStr | None = None

    def tells_exposure(self, usually: bool) -> bool:
        return usually if self.tell_exposure is None else self.tell_exposure

    def connection(self, bootstrap: str | None = None) -> dict[str, Any]:
        """What every client of Kafka is told, in the client library's words: where it is, and how to speak to it safely.

        A key without a password is told an empty one: without any, whoever reads a sealed key would be asked for it on the terminal, and wait.
        """
        login = (self.kafka_sasl_mechanism, self.kafka_sasl_username, self.kafka_sasl_password)
        if self.kafka_security_protocol.startswith("SASL") and None in login:
            wanted = "EXPOSURE_KAFKA_SASL_MECHANISM, _SASL_USERNAME and _SASL_PASSWORD"
            raise Failure("usage", f"{self.kafka_security_protocol} is spoken by who logs in: it needs {wanted}", WRONG_USAGE)
        told = {
            "bootstrap_servers": (bootstrap or self.kafka_bootstrap).split(","),
            "security_protocol": self.kafka_security_protocol,
            "sasl_mechanism": self.kafka_sasl_mechanism,
            "sasl_plain_username": self.kafka_sasl_username,
            "sasl_plain_password": self.kafka_sasl_password and self.kafka_sasl_password.get_secret_value(),
            "ssl_cafile": self.kafka_ssl_cafile,
            "ssl_certfile": self.kafka_ssl_certfile,
            "ssl_keyfile": self.kafka_ssl_keyfile,
            "ssl_password": self.kafka_ssl_password.get_secret_value() if self.kafka_ssl_password else "",
        }
        return {name: value for name, value in told.items() if value is not None}

    def secrets(self, store: str) -> set[str]:
        """What must never be seen, as it was told and as it is meant: the passwords, those in the URL of a store too."""
        told = [secret.get_secret_value() for secret in (self.kafka_sasl_password, self.kafka_ssl_password) if secret]
        return {*told, *passwords_in(self.store), *passwords_in(store)}


def secret_named(name: str) -> SecretStr | None:
    """What a variable of the environment holds that a command names: a secret has no place among its words, where everybody sees it."""
    told = os.environ.get(name)
    return SecretStr(told) if told else None


def passwords_in(url: str) -> set[str]:
    parts = urlsplit(url)
    told = {*([parts.password] if parts.password else []), *(value for name, value in parse_qsl(parts.query) if "password" in name)}
    return told | {unquote(one) for one in told}
