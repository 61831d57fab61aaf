# SPDX-License-Identifier: BSD-2-Clause
"""An OpenSSH server for the tests. Installing the package would start a server on the user's machine; so where there is none, Debian's
package is unpacked into a folder of the test's, with the libraries that are missing. Either way it runs behind a script that gives it, in
a mount namespace of its own, what the installation would have made: /run/sshd and the user sshd."""
import pwd
import re
import subprocess
from pathlib import Path

INSTALLED = Path("/usr/sbin/sshd")
LIBRARIES = ["usr/lib", "lib"]  # below these, in the folder of the architecture

SCRIPT = """\
#!/bin/sh
export LD_LIBRARY_PATH='{libraries}'
exec unshare --mount sh -c '
	mount -t tmpfs none /run && mkdir /run/sshd && {{ [ ! -e "{users}" ] || mount --bind "{users}" /etc/passwd; }} &&
	exec "{program}" "$@"' sh "$@"
"""


class Missing(Exception):
    """There is no sshd, and none can be had; says why."""


def _run(*words, **options):
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout
    except FileNotFoundError:
        raise Missing(f"no {INSTALLED}: install openssh-server") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(map(str, words))}: {error.stderr.strip()}") from None


def _packages():
    """openssh-server, and what would be installed with it."""
    words = ["apt-get", "install", "--simulate", "--no-install-recommends", "openssh-server"]
    try:
        listing = _run(*words)
    except Missing:  # the lists of a fresh machine are empty
        _run("apt-get", "update")
        listing = _run(*words)
    return re.findall(r"^Inst (\S+)", listing, re.MULTILINE)


def _unpack(folder):
    """The package's files below folder; nothing is installed."""
    root = folder / "root"
    _run("apt-get", "download", *_packages(), cwd=folder)
    for package in folder.glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(root))
        package.unlink()
    return root


def sshd(folder, program=INSTALLED):
    """Makes the script in a new folder of that name, and returns its path. Raises Missing."""
    folder.mkdir()
    libraries = []
    if not program.exists():
        root = _unpack(folder)
        program = root / "usr/sbin/sshd"
        libraries = [str(path) for name in LIBRARIES for path in (root / name).glob("*-linux-*")]
    users = folder / "passwd"
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        users.write_text(Path("/etc/passwd").read_text() + "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n")
    script = folder / "sshd"
    script.write_text(SCRIPT.format(libraries=":".join(libraries), users=users, program=program))
    script.chmod(0o755)
    _run(script, "-t", "-f", "/dev/null", "-h", _host_key(folder))
    return script


def _host_key(folder):
    keygen(folder / "key")
    return folder / "key"


def keygen(path):
    """Makes a pair of keys; returns the public one as [kind, text]."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().split()[:2]
