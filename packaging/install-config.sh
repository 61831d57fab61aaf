#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Run by `meson install`: puts the default configuration in place, unless there is one. It may hold secrets: root's alone.
target=${DESTDIR:-}/etc/romon/romon.conf
[ -e "$target" ] || install -D -m 0600 "${MESON_SOURCE_ROOT:?}/packaging/romon.conf" "$target"
