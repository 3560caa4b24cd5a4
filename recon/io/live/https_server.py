"""A loopback HTTPS server with a certificate authority of its own, and faults that tests inject."""

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_POLL_SECONDS: Final = 0.02  # how long it may take to stop; the library's half a second adds up


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What to answer; `cut` says after how many bytes of the body the connection drops."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    silence: float = 0.0


@dataclass
class Server:
    base_url: str
    ca_file: Path
    asked: list[Asked]


Handler = Callable[[Asked], Answer]


def private_key() -> tuple[rsa.RSAPrivateKey, str, str]:
    """A key, its PEM, and the PEM of its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key, secret.decode(), public.decode()


def _certificate(
    folder: Path,
    *,
    days: int,
    signed_by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = "localhost" if signed_by else "Stand-in authority"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = (signed_by[0].subject, signed_by[1]) if signed_by else (subject, key)
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return built, key


@contextmanager
def serving(
    folder: Path, handler: Handler, *, days: int = 1, is_self_signed: bool = False
) -> Iterator[Server]:
    """A server on a free port, for as long as the block lasts. `folder` gets its keys; `days` says
    for how long its certificate is valid yet."""
    authority = _certificate(folder, days=30, signed_by=None)
    signer = None if is_self_signed else authority
    certificate, key = _certificate(folder, days=days, signed_by=signer)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    pem = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.touch(mode=0o600)
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    asked: list[Asked] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(handler, asked))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield Server(f"https://127.0.0.1:{server.server_port}", ca_file, asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(answering: Handler, asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Loopback(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else an answer waits 40 ms between head and body

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Asked(self.command, self.path, headers, self.rfile.read(length))
            asked.append(one)
            answer = answering(one)
            if answer.silence:
                threading.Event().wait(answer.silence)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True
                self.connection.close()

        do_POST = do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    return Loopback
