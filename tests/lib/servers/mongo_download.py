"""Servers that speak the protocol of MongoDB; none is in a package of Debian.

FerretDB is built from source by Go; mongo-java-server comes from Maven Central. Debian's Go is too old for
FerretDB, so it fetches the toolchain that FerretDB names, as newer ones do by themselves."""

import json
import os
import re
import shutil
import subprocess

from lib.servers.downloads import kept, maven, run
from lib.servers.server import Missing, program

FERRETDB = "v1.24.2"
TOOLCHAIN = "go1.24.3"  # that of FerretDB's go.mod
MONGO_JAVA = "1.47.0"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>keepmq</groupId><artifactId>servers</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server</artifactId><version>%s</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
"""
MAIN = """import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

public class Main {
    public static void main(String[] arguments) throws Exception {
        MongoServer server = new MongoServer(new MemoryBackend());
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        Thread.currentThread().join();
    }
}
"""


def ferretdb():
    """The program. The first call downloads modules and builds for some minutes on two cores."""
    return kept(f"ferretdb-{FERRETDB}", "ferretdb", _build_ferretdb) / "ferretdb"


def mongo_java():
    """Folder with Main.java and jars; the first call downloads 3 MB."""
    return kept(f"mongo-java-server-{MONGO_JAVA}", "Main.java", _fetch_mongo_java)


def _build_ferretdb(work, target):
    # Modules are not kept: they are ten times as large as the program.
    environment = os.environ | {"GOMODCACHE": f"{work}/modules", "GOCACHE": f"{work}/build", "CGO_ENABLED": "0",
                                "GOFLAGS": "-modcacherw"}
    go = _new_enough_go(work, environment)
    found = run("the download of FerretDB", go, "mod", "download", "-json",
                f"github.com/FerretDB/FerretDB@{FERRETDB}", cwd=work, env=environment)
    source = work / "source"
    shutil.copytree(json.loads(found)["Dir"], source, copy_function=shutil.copyfile)
    # The module lacks this file, which a release has: without it the program ends when it starts.
    (source / "build/version/version.txt").write_text(FERRETDB)
    run("the build of FerretDB", "nice", go, "build", "-trimpath", "-buildvcs=false", "-o", target / "ferretdb",
        "./cmd/ferretdb", cwd=source, env=environment)


def _new_enough_go(work, environment):
    go = program("go", "golang-go")
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True, env=environment).stdout
    found = re.search(r"go1\.(\d+)", version)
    if found and int(found[1]) >= 24:
        return go
    if os.uname().machine != "x86_64":
        raise Missing(f"{version.strip()} is too old for FerretDB: install Go 1.24 or newer")
    module = run("the download of Go", go, "mod", "download", "-json",
                 f"golang.org/toolchain@v0.0.1-{TOOLCHAIN}.linux-amd64", cwd=work, env=environment)
    toolchain = work / "go"
    shutil.copytree(json.loads(module)["Dir"], toolchain, copy_function=shutil.copyfile)
    for folder in ("bin", "pkg/tool"):
        for file in (toolchain / folder).rglob("*"):
            file.chmod(0o755)
    environment |= {"GOROOT": str(toolchain), "GOTOOLCHAIN": "local"}
    return toolchain / "bin/go"


def _fetch_mongo_java(work, target):
    (work / "pom.xml").write_text(POM % MONGO_JAVA)
    maven("mongo-java-server", "dependency:copy-dependencies", f"-DoutputDirectory={target}", cwd=work)
    (target / "Main.java").write_text(MAIN)
