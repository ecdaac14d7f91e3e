"""Cassandra is in no package of Debian; Maven Central has it as a library, which runs as well."""

import re

from lib.servers.downloads import kept, maven

FOREIGN = re.compile(r"(osx|windows|aarch|riscv)")  # native parts for other machines
POM = """<project><modelVersion>4.0.0</modelVersion><groupId>keepmq</groupId><artifactId>cassandra</artifactId>
<version>1</version><packaging>pom</packaging><dependencies><dependency><groupId>org.apache.cassandra</groupId>
<artifactId>cassandra-all</artifactId><version>{version}</version></dependency></dependencies></project>
"""


def jars(version):
    """Folder with the jars of this version; the first call downloads 60 MB."""

    def fetch(work, target):
        (work / "pom.xml").write_text(POM.format(version=version))
        maven(f"Cassandra {version}", "dependency:copy-dependencies", f"-DoutputDirectory={target}",
              "-DincludeScope=runtime", cwd=work)
        for jar in target.iterdir():
            if FOREIGN.search(jar.name):
                jar.unlink()

    return kept(f"cassandra-{version}", f"cassandra-all-{version}.jar", fetch)
