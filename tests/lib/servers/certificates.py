"""A certificate authority of one test, with a certificate for the server and one for its clients."""

import subprocess
from pathlib import Path


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {words[0]}: {done.stderr}"


class Certificates:
    """`ca`, `server` and `client`, each with .pem, all but the first also with .key."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.ca = self.folder / "ca.pem"
        self.server, self.server_key = self._paths("server")
        self.client, self.client_key = self._paths("client")
        key = self.folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                "-subj", "/CN=KeepMQ test CA", "-keyout", key, "-out", self.ca)
        self._sign("server", "localhost", "subjectAltName=IP:127.0.0.1,DNS:localhost", key)
        self._sign("client", "mqtt", "extendedKeyUsage=clientAuth", key)

    def files(self):
        """All that a server needs to read; keys are for their owner only."""
        return [self.folder, self.ca, self.server, self.server_key]

    def _paths(self, name):
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _sign(self, name, subject, extension, ca_key):
        certificate, key = self._paths(name)
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(extension + "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject}",
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 30,
                "-extfile", extensions, "-out", certificate)
        key.chmod(0o600)
