"""Packages of Debian of any suite and architecture, by private apt configurations that leave the machine's own alone.
apt checks the archive's signatures."""
import hashlib
import os
import re
import shutil
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class SetupError(Exception):
    pass


def run(command, **options):
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)


def archive_uri():
    """The Debian archive that this machine uses."""
    listed = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(CODENAME)", "Created-By: Packages"])
    for line in listed.stdout.splitlines():
        uri, _, rest = line.partition(" ")
        if rest.startswith("Debian ") and "security" not in rest and "security" not in uri:
            return uri
    raise SetupError("no Debian archive among this machine's apt sources; run 'apt-get update' once")


def unpack(package, tree):
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "-x", str(package), str(tree)], check=True)
    return tree


class PrivateApt:
    """apt with one suite and architecture and a state of its own, in which nothing is installed."""

    def __init__(self, folder, uri, suite, architecture, known=None, say=print):
        """`known`: SHA-256 of packages by name, of which another version is told through `say`."""
        self.folder, self.suite, self.architecture = folder, suite, architecture
        self.known, self.say = known or {}, say
        for part in ("state/lists/partial", "cache/archives/partial", "download"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "state/status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {uri} {suite} main\n")
        (folder / "apt.conf").write_text(f'''Dir "{folder}";
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
''')
        self.environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
        updated = run(["apt-get", "update", "-q"], env=self.environment)
        self.works = not re.search(r"^E:", updated.stderr, re.MULTILINE) and updated.returncode == 0
        self.complaint = updated.stderr.strip()

    def names(self, pattern):
        listed = run(["apt-cache", "pkgnames"], env=self.environment)
        return sorted(name for name in listed.stdout.split() if re.fullmatch(pattern, name))

    def fetch(self, package):
        """The unpacked contents of a package, or None."""
        if not self.works:
            return None
        download = self.folder / "download"
        for old in download.glob(f"{package}_*.deb"):
            old.unlink()
        got = run(["apt-get", "download", "-q", package], env=self.environment, cwd=download)
        files = list(download.glob(f"{package}_*.deb"))
        if got.returncode != 0 or len(files) != 1:
            return None
        digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
        if package in self.known and self.known[package] != digest:
            self.say(f"{files[0].name} is another version than the one tried ({digest[:16]}...); its signature is right")
        return unpack(files[0], self.folder / "tree" / package)

    def with_dependencies(self, packages):
        """Name and version of packages and all that they depend on; None where the suite does not have them."""
        if not self.works:
            return None
        planned = run(["apt-get", "install", "-s", "-q", "--no-install-recommends", *packages], env=self.environment)
        if planned.returncode != 0:
            self.complaint = planned.stderr.strip()
            return None
        return dict(re.findall(r"^Inst (\S+) \((\S+) ", planned.stdout, re.MULTILINE))

    def download(self, versions):
        """The files of packages, given name and version."""
        download = self.folder / "download"
        for old in download.glob("*.deb"):
            old.unlink()
        got = run(["apt-get", "download", "-q", *(f"{name}={version}" for name, version in versions.items())],
                  env=self.environment, cwd=download)
        files = sorted(download.glob("*.deb"))
        if got.returncode != 0 or len(files) != len(versions):
            raise SetupError(f"apt could not download {len(versions)} packages: {got.stderr.strip()}")
        return files
