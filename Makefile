# A thin front, so that one word does what a person wants. meson builds; packaging/need.sh says what is missing.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD := build
SOAK := tests/system/test_secrets_rotation.py tests/system/test_secrets_restart.py tests/system/test_datapath_load.py \
	tests/system/test_flood.py tests/sim/test_seeds.py \
	$(wildcard tests/system/test_stream_*.py tests/system/test_winbox_*.py)
# Debian's Python modules belong to this one, whatever else stands first in PATH.
PYTHON ?= $(if $(wildcard /etc/debian_version),/usr/bin/python3,python3)
# What root builds, as in `sudo make demo`, belongs to whom this folder belongs to: his own next `make` has to write there.
give-back = @[ "$$(id -u)" != 0 ] || chown -hR "$$(stat -c %u:%g .)" $(BUILD)
need-root = $(if $(filter 0,$(shell id -u)),,$(error needs root, for its network namespaces: sudo make $@))

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)
	$(give-back)

$(BUILD)/build.ninja:
	packaging/need.sh build
	meson setup $(BUILD) -Dtests=false -Dprefix=$(PREFIX)

demo:
	$(need-root)
	@packaging/need.sh build demo
	@$(MAKE) --no-print-directory --silent all
	@tests/demo/demo.sh run $(BUILD)

demo-clean:
	$(need-root)
	@tests/demo/demo.sh clean

check:
	$(need-root)
	@packaging/need.sh build demo test
	@$(PYTHON) tests/check.py

# The tests that prove more the longer they run, at their full length.
soak: export ROMON_SOAK = 1
soak:
	$(need-root)
	@packaging/need.sh build demo test
	@test -e $(BUILD)-soak/build.ninja || meson setup $(BUILD)-soak -Dtests=true >/dev/null
	ninja -C $(BUILD)-soak
	meson test -C $(BUILD)-soak --no-rebuild --print-errorlogs -t 0
	ROMON_BUILD=$(abspath $(BUILD))-soak $(PYTHON) -m pytest -s -p no:cacheprovider $(SOAK)
	@$(MAKE) --no-print-directory chaos MINUTES=1 NODES=8
	@$(MAKE) --no-print-directory foreign

# In a folder of its own, without what only the tests need. A peer that cannot be installed is a row that says so.
bench:
	$(need-root)
	@packaging/need.sh build demo
	@packaging/need.sh bench || echo 'bench: goes on; what is missing is said where it is missed' >&2
	@test -e $(BUILD)-bench/build.ninja || meson setup $(BUILD)-bench -Dtests=false -Dbench=true >/dev/null
	@ninja -C $(BUILD)-bench >/dev/null || ninja -C $(BUILD)-bench
	@$(PYTHON) tests/bench/bench.py $(if $(JSON),--json) $(if $(ROWS),--rows $(ROWS)) $(BUILD)-bench

# libFuzzer, so many seconds on each target, one after the other; then what of the parsers was reached. CONTRIBUTING.md has more.
SECONDS ?= 60
TARGETS ?=
fuzz:
	@packaging/need.sh build test fuzz
	@test -e $(BUILD)-fuzz/build.ninja || CC=clang meson setup $(BUILD)-fuzz -Dtests=true -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false -Dc_link_args=-fprofile-instr-generate -Dc_args="-fsanitize=fuzzer-no-link \
		-fno-sanitize-recover=all -fprofile-instr-generate -fcoverage-mapping" >/dev/null
	@ninja -C $(BUILD)-fuzz $(patsubst %.c,%,$(wildcard tests/fuzz/fuzz_*.c)) | tail -n 1
	@$(PYTHON) tests/fuzz/run.py fuzz $(BUILD)-fuzz $(SECONDS) $(TARGETS)

# core's tests on machines of other kinds, played by qemu-user: minutes.
foreign:
	@packaging/need.sh build test foreign
	@$(PYTHON) tests/foreign.py

# So many routers under AddressSanitizer, so many minutes of everything that can happen to them; then all must be well.
MINUTES ?= 10
NODES ?= 32
chaos:
	$(need-root)
	@packaging/need.sh build demo test
	@test -e $(BUILD)-chaos/build.ninja || meson setup $(BUILD)-chaos -Dtests=true -Db_sanitize=address,undefined \
		-Dc_args=-fno-sanitize-recover=all >/dev/null
	@ninja -C $(BUILD)-chaos src/daemon/romond src/cli/romon tests/flood/flood | tail -n 1
	@ROMON_BUILD=$(abspath $(BUILD))-chaos $(PYTHON) tests/chaos/chaos.py --minutes $(MINUTES) --nodes $(NODES) $(if $(SEED),--seed $(SEED))

# The simulator. SIM=... are its options: romon-sim --help.
SIM ?= faults=all hostile=2 secrets=rotate time=1h
sim:
	@packaging/need.sh build
	@test -e $(BUILD)-bench/build.ninja || meson setup $(BUILD)-bench -Dtests=false -Dbench=true >/dev/null
	@ninja -C $(BUILD)-bench src/sim/romon-sim >/dev/null || ninja -C $(BUILD)-bench src/sim/romon-sim
	@$(BUILD)-bench/src/sim/romon-sim $(SIM)

# Measures discovery in networks of up to 10,000 routers and writes docs/scale.md; some minutes.
sim-scale:
	@packaging/need.sh build scale
	@test -e $(BUILD)-bench/build.ninja || meson setup $(BUILD)-bench -Dtests=false -Dbench=true >/dev/null
	@ninja -C $(BUILD)-bench src/sim/romon-sim >/dev/null || ninja -C $(BUILD)-bench src/sim/romon-sim
	@$(PYTHON) tests/sim/scale.py $(BUILD)-bench/src/sim/romon-sim docs

install: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	ninja -C $(BUILD)
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
	$(give-back)

uninstall: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@$(PYTHON) packaging/uninstall.py $(BUILD) $(abspath $(DESTDIR))
	$(give-back)

clean:
	rm -rf $(BUILD) $(BUILD)-bench $(BUILD)-soak $(BUILD)-fuzz $(BUILD)-chaos build-check build-foreign

help:
	@echo 'make             builds romond and romon into ./$(BUILD)'
	@echo 'make demo        shows a network of six routers at work (root; KEEP=1 leaves it up, make demo-clean removes it)'
	@echo 'make check       builds and runs all the tests (root)'
	@echo 'make soak        runs the long tests at full length, an hour and more (root)'
	@echo 'make fuzz        feeds the parsers with what nobody thought of (SECONDS=60 for each of them)'
	@echo 'make chaos       breaks a network of real daemons in every way for MINUTES=10, and sees whether it heals (root)'
	@echo 'make foreign     runs the tests of the protocol on a big-endian and on a 32-bit machine, played by qemu'
	@echo 'make bench       measures, beside what people would use instead (root; JSON=1 for programs, ROWS=name,... for a part)'
	@echo 'make sim         simulates a network under faults (SIM="topology=ring time=10h"; romon-sim --help lists more)'
	@echo 'make sim-scale   measures discovery with up to 10,000 routers, and writes docs/scale.md (some minutes)'
	@echo 'make install     installs, below PREFIX=$(PREFIX) and, for packagers, DESTDIR'
	@echo 'make uninstall   removes what install put there, but keeps a changed /etc/romon/romon.conf'
	@echo 'make clean       removes what was built'

.PHONY: all demo demo-clean check soak fuzz chaos foreign bench sim sim-scale install uninstall clean help
