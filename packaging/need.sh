#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# need.sh build|demo|test|bench|fuzz|foreign|scale ...: has this machine what it takes to build OpenRoMON, to show it, to test it, to measure it?
#
# On Debian and its children the missing packages, and no others, are installed by apt-get if we are root, and named if we
# are not. Elsewhere it names the programs and libraries that are missing. Silent if nothing is. CONTRIBUTING.md says what
# each of them is for.
set -u

fail() {
	echo "need.sh: $*" >&2
	exit 1
}

# What a purpose needs: `wanted test packages` for Debian, and there what is `optional`; `programs`, `libraries` (pkg-config) and `modules`
# (Python) elsewhere.
wanted() {
	case $1-$2 in
	build-packages)
		echo gcc libc6-dev meson ninja-build pkgconf scdoc
		echo libevent-dev libmnl-dev libjansson-dev libsmartcols-dev libseccomp-dev libcap-ng-dev nettle-dev libssl-dev
		;;
	build-optional) echo clang libbpf-dev bpftool ;;
	build-programs) echo cc meson ninja pkg-config scdoc ;;
	build-libraries) echo libevent_core libmnl jansson smartcols libseccomp libcap-ng nettle libcrypto ;;
	demo-packages) echo iproute2 ;;
	demo-programs) echo ip ;;
	test-packages)
		echo clang libcmocka-dev binutils iproute2 tshark nftables
		echo python3 python3-pytest python3-scapy python3-cryptography
		echo openssh-client rsync git
		;;
	test-programs) echo gcc clang nm ip tshark nft python3 ssh rsync git ;;
	fuzz-packages) echo clang libclang-rt-dev llvm ;;
	foreign-packages) echo gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user ;;
	foreign-programs) echo meson ninja ;; # what else there is, tests/foreign.py looks for itself
	fuzz-programs) echo clang llvm-cov llvm-profdata ;;
	scale-packages) echo python3 python3-matplotlib ;;
	scale-programs) echo python3 ;;
	scale-modules) echo matplotlib ;;
	test-libraries) echo cmocka ;;
	test-modules) echo pytest scapy cryptography ;;
	bench-packages)
		# Not the peers that are services: they would start, and be started at each boot. The benchmark unpacks their packages.
		echo python3 python3-scapy iproute2 iputils-ping ethtool openssl openssh-client
		;;
	bench-programs) echo python3 ip ping ethtool openssl scp ;;
	bench-modules) echo scapy ;;
	esac
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs the packages; the lists of a fresh machine are empty or stale: then, and only then, they are fetched.
install() {
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp) || exit 1
	trap 'rm -f "$log"' EXIT
	{
		apt-get install -y --no-install-recommends "$@" ||
			{ apt-get update && apt-get install -y --no-install-recommends "$@"; }
	} </dev/null >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		fail "apt-get could not install $*"
	}
}

# The packages of a kind that are wanted for these purposes and not there.
missing_debian() {
	kind=$1
	shift
	for purpose in "$@"; do
		for package in $(wanted "$purpose" "$kind"); do
			installed "$package" || printf ' %s' "$package"
		done
	done
}

# What is optional is installed as well, by root and where the distribution has it. Without it the build leaves something out, and says so.
need_debian() {
	missing=$(missing_debian packages "$@")
	if [ -n "$missing" ]; then
		[ "$(id -u)" = 0 ] || fail "missing packages; as root: apt-get install$missing"
		echo "Installing$missing"
		# shellcheck disable=SC2086 # a list of words
		install $missing
	fi
	missing=$(missing_debian optional "$@")
	if [ -n "$missing" ] && [ "$(id -u)" = 0 ]; then
		echo "Installing$missing"
		# shellcheck disable=SC2086
		(install $missing) 2>/dev/null || echo "They are not to be had: romond is built without XDP"
	fi
}

need_other() {
	missing=''
	for purpose in "$@"; do
		for program in $(wanted "$purpose" programs); do
			command -v "$program" >/dev/null || missing="$missing $program"
		done
		for library in $(wanted "$purpose" libraries); do
			pkg-config --exists "$library" 2>/dev/null || missing="$missing $library (library)"
		done
		for module in $(wanted "$purpose" modules); do
			python3 -c "import $module" 2>/dev/null || missing="$missing $module (Python)"
		done
	done
	[ -z "$missing" ] || fail "please install:$missing"
}

[ $# -gt 0 ] || fail 'usage: need.sh build|demo|test|bench|fuzz|foreign|scale ...'
for purpose in "$@"; do
	[ -n "$(wanted "$purpose" programs)" ] || fail "unknown purpose '$purpose'"
done
if [ -e /etc/debian_version ] && command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
	need_debian "$@"
else
	need_other "$@"
fi
