"""Why a broker that is there does not let us in. Its client can not tell: who is refused is answered and cut off in one breath, and the client drops
an answer behind which the connection ends. So where the client has given up, the broker is asked once more here, and its answer is read.
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kafka.cluster import collect_hosts
from kafka.errors import KafkaError, KafkaProtocolError, NoError, for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

ANSWER_SECONDS_MAX = 5.0
RECEIVED_BYTES = 64 << 10


class Refused(Exception):
    """Says what the broker does not like about us, or we about it."""


def refusal(connection: Mapping[str, Any]) -> str | None:
    """What the first of the servers that can be reached says against us; ``None`` where it is nothing, or none can be reached."""
    for host, port, _ in collect_hosts(connection["bootstrap_servers"], randomize=False):
        with suppress(OSError), socket.create_connection((host, port), ANSWER_SECONDS_MAX) as reached:
            try:
                knock(connection, host, reached)
            except Refused as refused:
                return str(refused)
            return None
    return None


def knock(connection: Mapping[str, Any], host: str, reached: socket.socket) -> None:
    """Does what the client does before its first question. Raises ``Refused``."""
    if connection.get("security_protocol") not in ("SSL", "SASL_SSL"):
        introduce(connection, host, reached, "it ends the connection or speaks no Kafka: does it ask for TLS (EXPOSURE_KAFKA_SECURITY_PROTOCOL)?")
        return
    try:
        secured = context(connection).wrap_socket(reached, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Refused(f"its certificate is not trusted (EXPOSURE_KAFKA_SSL_CAFILE): {error.verify_message}") from error
    except OSError as error:
        raise Refused(f"TLS can not be spoken with it (EXPOSURE_KAFKA_SECURITY_PROTOCOL): {error}") from error
    with secured:
        introduce(connection, host, secured, "it ends the connection: does it ask for a certificate that it trusts (EXPOSURE_KAFKA_SSL_CERTFILE)?")


def context(connection: Mapping[str, Any]) -> ssl.SSLContext:
    """TLS as the client is told to speak it."""
    made, authorities, certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), connection.get("ssl_cafile"), connection.get("ssl_certfile")
    try:
        made.load_verify_locations(authorities) if authorities else made.load_default_certs()
    except OSError as error:
        raise Refused(f"{authorities} (EXPOSURE_KAFKA_SSL_CAFILE) can not be used: {error.strerror}") from error
    try:
        if certificate:
            made.load_cert_chain(certificate, connection.get("ssl_keyfile"), connection.get("ssl_password"))
    except OSError as error:
        raise Refused(f"{certificate} (EXPOSURE_KAFKA_SSL_CERTFILE, _SSL_KEYFILE, _SSL_PASSWORD) can not be used: {error.strerror}") from error
    return made


def introduce(connection: Mapping[str, Any], host: str, reached: socket.socket, cut_off: str) -> None:
    """Asks what everybody may, logs in where we are told to, asks what only those may who were let in. ``cut_off`` is why no answer may come."""
    parser = KafkaProtocol(client_id="exposure")
    try:
        answer(parser, reached, ApiVersionsRequest(version=0))
        if "SASL" in connection.get("security_protocol", ""):
            log_in(connection, host, parser, reached)
        else:
            cut_off = f"{cut_off[:-1]}, or for a login (EXPOSURE_KAFKA_SASL_MECHANISM)?"
        answer(parser, reached, MetadataRequest(topics=[], version=4))
    except (OSError, KafkaProtocolError) as error:
        raise Refused(cut_off) from error


def log_in(connection: Mapping[str, Any], host: str, parser: KafkaProtocol, reached: socket.socket) -> None:
    name = connection.get("sasl_mechanism")
    offered = answer(parser, reached, SaslHandshakeRequest(mechanism=name, version=1))
    if name not in offered.mechanisms:
        raise Refused(f"it knows no login by {name} (EXPOSURE_KAFKA_SASL_MECHANISM), but by {', '.join(offered.mechanisms)}")
    try:
        mechanism = get_sasl_mechanism(name)(host=host, **connection)
        while not mechanism.is_done():
            said = answer(parser, reached, SaslAuthenticateRequest(mechanism.auth_bytes(), version=0))
            if for_code(said.error_code) is not NoError:
                raise Refused(f"{said.error_message or for_code(said.error_code).__name__} (EXPOSURE_KAFKA_SASL_USERNAME, _SASL_PASSWORD)")
            mechanism.receive(said.auth_bytes)
    except (KafkaError, ValueError) as error:
        raise Refused(f"no login by {name} could be made (EXPOSURE_KAFKA_SASL_MECHANISM): {error}") from error


def answer(parser: KafkaProtocol, reached: socket.socket, request: Any) -> Any:
    """Raises ``OSError`` where there is none."""
    parser.send_request(request)
    reached.sendall(parser.send_bytes())
    while True:
        received = reached.recv(RECEIVED_BYTES)
        if not received:
            raise ConnectionResetError
        for _, answered in parser.receive_bytes(received):
            return answered
