"""TLS: psql's sslmodes, channel binding, a direct TLS connection, broken files, bytes before the handshake."""

import socket
import ssl
import struct
import subprocess
from pathlib import Path

from checks import contains, equal
from gateway import DATABASE, PASSWORD, USER, Serve
from psql import environment

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# libpq's own view of the connection, in psql's \conninfo.
ENCRYPTED = "SSL connection (protocol: TLSv1.3"


def check_sslmode_require_and_verify_full(demo):
    with _serve(demo) as served:
        for mode in ("sslmode=require", f"sslmode=verify-full sslrootcert={served.ca}"):
            out, _ = _psql(served.port, mode)
            contains(out, ENCRYPTED)
            equal(out.splitlines()[0], "3000", mode)


def check_verify_full_refuses_a_foreign_authority(demo):
    with _serve(demo) as served:
        other = _authority(served.ca.parent, "other")
        _, err = _psql(served.port, f"sslmode=verify-full sslrootcert={other}", fails=2)
        contains(err, "certificate verify failed")


def check_sslmode_disable_is_refused_where_tls_is_required(demo):
    with _serve(demo) as served:
        _, err = _psql(served.port, "sslmode=disable", fails=2)
        contains(err, "FATAL:  connection requires TLS")
        contains(err, "HINT:  Connect with sslmode=require or stricter.")


def check_sslmode_disable_where_tls_is_optional(demo):
    with _serve(demo, required=False) as served:
        out, _ = _psql(served.port, "sslmode=disable")
        equal(out.splitlines()[0], "3000")
        if ENCRYPTED in out:
            raise AssertionError(f"sslmode=disable is encrypted: {out}")


def check_sslmode_require_without_tls_on_the_server(demo):
    _, err = _psql(demo.port, "sslmode=require", fails=2)
    contains(err, "server does not support SSL, but SSL was required")


def check_channel_binding(demo):
    with _serve(demo) as served:
        out, _ = _psql(served.port, f"sslmode=verify-full sslrootcert={served.ca} channel_binding=require")
        equal(out.splitlines()[0], "3000")
    _, err = _psql(demo.port, "sslmode=prefer channel_binding=require", fails=2)
    contains(err, "channel binding required")


def check_a_direct_tls_connection(demo):
    with _serve(demo) as served:
        context = ssl.create_default_context(cafile=served.ca)
        context.set_alpn_protocols(["postgresql"])
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as stream:
                equal(stream.selected_alpn_protocol(), "postgresql", "ALPN")
                stream.sendall(_startup())
                kind, body = _message(stream)
    equal(kind, b"R", "first message")
    equal(body[:4], struct.pack("!i", 10), "kind of authentication")
    equal(body[4:], b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", "mechanisms")


def check_bytes_before_the_handshake_are_not_taken_for_encrypted_ones(demo):
    with _serve(demo) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain:
            # In one segment, so that the gateway reads both at once: what a man in the middle would inject.
            plain.sendall(SSL_REQUEST + _startup())
            equal(_received(plain, 1) in (b"", b"S"), True, "answer to SSLRequest")
            context = ssl.create_default_context(cafile=served.ca)
            try:
                with context.wrap_socket(plain, server_hostname="localhost") as stream:
                    answer = stream.recv(1)
            except OSError:
                answer = b""
        equal(answer, b"", "answer to a startup message sent in plain text")


def check_a_broken_key_file(demo):
    directory = demo.directory()
    _certificates(directory)
    _authority(directory, "foreign")
    broken = {
        "garbage": ("-----BEGIN PRIVATE KEY-----\nnot base64!\n-----END PRIVATE KEY-----\n", "is not valid PEM"),
        "empty": ("", "holds no private key"),
        "foreign": ((directory / "foreign.key").read_text(), "is not the key of the certificate"),
    }
    for name, (text, message) in broken.items():
        key = directory / f"{name}-key.pem"
        key.write_text(text)
        _refused(demo, directory, key, message)
    _refused(demo, directory, directory / "absent.key", "cannot be read")


def _refused(demo, directory, key, message):
    config = demo.write_config(_section(directory / "server.crt", key))
    done = subprocess.run(
        [demo.binary, "serve", "--config", config], capture_output=True, text=True, timeout=30, check=False)
    text = done.stdout + done.stderr
    contains(text, message)
    contains(text, key.name)
    if done.returncode == 0:
        raise AssertionError("serve ended with 0 in spite of a broken key")


def _serve(demo, required=True):
    """A gateway with a certificate for localhost and 127.0.0.1; its authority's file is `.ca`."""
    directory = demo.directory()
    _certificates(directory)
    config = demo.write_config(_section(directory / "server.crt", directory / "server.key", required))
    served = Serve(demo.binary, config)
    served.ca = directory / "ca.crt"
    return served


def _section(cert, key, required=True):
    return f'tls = {{ cert = "{cert}", key = "{key}", required = {str(required).lower()} }}'


def _authority(directory, name):
    """A self-signed authority; returns the path of its certificate."""
    _openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "2", "-subj", f"/CN={name} of the tests")
    return directory / f"{name}.crt"


def _certificates(directory):
    """An authority, and a server certificate that it signed."""
    _authority(directory, "ca")
    _openssl(directory, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    Path(directory / "san.ext").write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    _openssl(directory, "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
             "-out", "server.crt", "-days", "2", "-extfile", "san.ext")


def _openssl(directory, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")


def _psql(port, mode, fails=0):
    target = f"host=localhost hostaddr=127.0.0.1 port={port} user={USER} dbname={DATABASE} {mode}"
    done = subprocess.run(
        ["psql", "-X", "-At", "-d", target, "-c", "SELECT count(*) FROM spanlens.requests", "-c", r"\conninfo"],
        env=environment(PASSWORD), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != fails:
        text = done.stdout + done.stderr
        raise AssertionError(f"{mode}: psql ended with {done.returncode}, expected {fails}:\n{text}")
    return done.stdout, done.stderr


def _startup():
    body = struct.pack("!i", 196608) + f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    return struct.pack("!i", len(body) + 4) + body


def _message(stream):
    """The next message of the server: its letter and its body."""
    kind = _received(stream, 1)
    (length,) = struct.unpack("!i", _received(stream, 4))
    return kind, _received(stream, length - 4)


def _received(stream, count):
    """So many bytes, fewer if the other side ends."""
    parts = b""
    while len(parts) < count:
        part = stream.recv(count - len(parts))
        if not part:
            break
        parts += part
    return parts
