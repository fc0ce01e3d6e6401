"""The reverse proxy that deploy/ proposes: nginx takes its configuration, and a call comes through over TLS."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.protocol.builders import SIGN, hook_request
from tests.service import PATIENCE, Running, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
PROPOSED = (Path(__file__).parents[2] / "deploy" / "nginx.conf").read_text(encoding="utf-8")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="no nginx: apt-get install nginx-light")]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for this machine and its key; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "tls.pem", folder / "tls.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return files


def configured(folder: Path, port: int, upstream: int) -> Path:
    """Return a whole configuration around the proposed one, with ports and files of this test."""
    certificates, key = certificate(folder)
    text = PROPOSED.replace("127.0.0.1:8080", f"127.0.0.1:{upstream}").replace("listen 443", f"listen 127.0.0.1:{port}")
    text = re.sub(r"(ssl_certificate +)\S+;", rf"\1{certificates};", text)
    text = re.sub(r"(ssl_certificate_key +)\S+;", rf"\1{key};", text)
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{place}_temp_path {folder}/{place};" for place in places)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{ }}\nhttp {{\n{temporary}\n{text}\n}}\n",
        encoding="utf-8",
    )
    return file


@contextmanager
def proxied(folder: Path, upstream: int) -> Iterator[str]:
    """Run nginx in front of a port; yield the address."""
    port = free_port()
    command = [str(NGINX), "-c", str(configured(folder, port, upstream)), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    process = subprocess.Popen(command)
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_call_comes_through(tmp_path: Path) -> None:
    """Nginx takes the file as it is proposed; discovery, a call, a large chart and feedback come through over TLS."""
    running = Running(tmp_path, workers=1)
    try:
        with proxied(tmp_path, running.port) as url, requests.Session() as session:
            session.trust_env = False
            session.verify = str(tmp_path / "tls.pem")
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    assert session.get(f"{url}/cds-services", timeout=PATIENCE).json()["services"]
                    break
                except requests.ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            address = f"{url}/cds-services/{SIGN}"
            answer = session.post(address, json=hook_request(SIGN), timeout=PATIENCE)
            assert answer.ok
            assert answer.json()["cards"]
            large = hook_request(SIGN) | {"extension": {"x": "y" * 3_000_000}}
            assert session.post(address, json=large, timeout=PATIENCE).ok
            # A doubled slash is the service's to tidy up: a redirect would be the end of a preflight.
            again = session.post(f"{url}/cds-services//{SIGN}", json=hook_request(SIGN), timeout=PATIENCE)
            assert (again.status_code, again.history) == (200, [])
            assert session.post(f"{address}/feedback", json={"feedback": []}, timeout=PATIENCE).json() == {}
    finally:
        running.stop()
