# SPDX-License-Identifier: BSD-2-Clause
"""An OpenSSH server for the tests. Installing the package would start a server on the user's machine; so where there is none, Debian's
package is unpacked into a folder of the test's, with the libraries that are missing. Either way it runs behind a script that gives it, in
a mount namespace of its own, what the installation would have made: /run/sshd and the user sshd."""
import pwd
import subprocess
from pathlib import Path

from debian import Missing, libraries, unpack

INSTALLED = Path("/usr/sbin/sshd")

SCRIPT = """\
#!/bin/sh
export LD_LIBRARY_PATH='{libraries}'
exec unshare --mount sh -c '
	mount -t tmpfs none /run && mkdir /run/sshd && {{ [ ! -e "{users}" ] || mount --bind "{users}" /etc/passwd; }} &&
	exec "{program}" "$@"' sh "$@"
"""


def sshd(folder, program=INSTALLED):
    """Makes the script in a new folder of that name, and returns its path. Raises Missing."""
    folder.mkdir()
    with_libraries = ""
    if not program.exists():
        root = unpack("openssh-server", folder)
        program, with_libraries = root / "usr/sbin/sshd", libraries(root)
    users = folder / "passwd"
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        users.write_text(Path("/etc/passwd").read_text() + "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n")
    script = folder / "sshd"
    script.write_text(SCRIPT.format(libraries=with_libraries, users=users, program=program))
    script.chmod(0o755)
    tried = subprocess.run([script, "-t", "-f", "/dev/null", "-h", _host_key(folder)], capture_output=True, text=True)
    if tried.returncode:
        raise Missing(f"sshd -t: {tried.stderr.strip()}")
    return script


def sshd_or_skip(folder):
    """The same for a fixture: where there is none, the test is skipped and says why."""
    import pytest  # benchmarks do without
    try:
        return sshd(folder)
    except Missing as missing:
        pytest.skip(str(missing))


def _host_key(folder):
    keygen(folder / "key")
    return folder / "key"


def keygen(path):
    """Makes a pair of keys; returns the public one as [kind, text]."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().split()[:2]
