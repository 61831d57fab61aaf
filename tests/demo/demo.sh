#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make demo`: six routers in network namespaces, a romond in each, and what a person would type there with its real output.
#
# demo.sh run BUILD | clean. Everything has names of its own (namespaces romon-demo-*, files in /run/romon-demo)
# and is removed on every way out, unless KEEP=1; then `demo.sh clean` does it. Relies on iproute2, and on veth and bridges.
set -u

DIR=/run/romon-demo
PREFIX=romon-demo-
ROUTERS='hq core backup mast farm barn'
SWITCH=switch # no router: the shared segment's bridge

die() {
	echo "make demo: $*" >&2
	exit 1
}

check_root() {
	[ "$(id -u)" = 0 ] || die 'needs root, for its network namespaces: sudo make demo'
}

# await SECONDS COMMAND...: until the command succeeds; false if it never did.
await() {
	tries=$(($1 * 10))
	shift
	until "$@"; do
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.1
	done
}

# --- The network -----------------------------------------------------------------------------------------------------------

# wire ROUTER PORT MAC ROUTER PORT MAC: a cable between two ports. The MACs are of the range for documentation.
wire() {
	ip link add "$2" netns "$PREFIX$1" address "00:00:5e:00:53:$3" type veth \
		peer name "$5" netns "$PREFIX$4" address "00:00:5e:00:53:$6" || die "cannot make a veth pair"
	ip -n "$PREFIX$1" link set dev "$2" up
	ip -n "$PREFIX$4" link set dev "$5" up
}

# plug ROUTER PORT MAC MAC: a cable from a router's port to one of the switch.
plug() {
	wire "$1" "$2" "$3" $SWITCH "$1" "$4"
	ip -n $PREFIX$SWITCH link set dev "$1" master br0
}

lay_out() {
	for name in $ROUTERS $SWITCH; do
		ip netns add "$PREFIX$name" || die "cannot make a network namespace"
		# No address of any kind: RoMON needs none.
		ip netns exec "$PREFIX$name" sh -c 'echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/all/disable_ipv6
			echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	done
	wire hq eth1 11 core eth1 21
	wire core eth2 22 mast eth1 41
	wire hq eth2 12 backup eth1 31
	wire backup eth2 32 mast eth2 42
	ip -n $PREFIX$SWITCH link add br0 type bridge || die "cannot make a bridge"
	ip -n $PREFIX$SWITCH link set br0 up
	plug mast eth3 43 f1
	plug farm eth1 51 f2
	plug barn eth1 61 f3
}

# configure ROUTER COST: its configuration, as RouterOS would export it.
configure() {
	cat >"$DIR/$1/romon.conf" <<-EOF
		/tool romon
		set enabled=yes identity=$1
		/tool romon port
		add interface=eth* cost=$2
	EOF
}

start() {
	for name in $ROUTERS; do
		mkdir -p "$DIR/$name/state"
		cost=100
		[ "$name" = backup ] && cost=300
		configure "$name" $cost
		ip netns exec "$PREFIX$name" "$build/src/daemon/romond" -f -c "$DIR/$name/romon.conf" -s "$DIR/$name/socket" \
			--state "$DIR/$name/state" </dev/null >"$DIR/$name/log" 2>&1 &
	done
	for name in $ROUTERS; do
		await 10 test -S "$DIR/$name/socket" || {
			cat "$DIR/$name/log" >&2
			die "romond of $name does not start"
		}
	done
}

clean() {
	trap - EXIT INT TERM HUP
	for name in $ROUTERS $SWITCH; do
		[ -e "/run/netns/$PREFIX$name" ] || continue
		# shellcheck disable=SC2046 # a list of process ids
		ended "$name" || kill $(ip netns pids "$PREFIX$name") 2>/dev/null
	done
	for name in $ROUTERS $SWITCH; do
		[ -e "/run/netns/$PREFIX$name" ] || continue
		# shellcheck disable=SC2046
		await 5 ended "$name" || kill -KILL $(ip netns pids "$PREFIX$name") 2>/dev/null
		ip netns del "$PREFIX$name"
	done
	rm -rf $DIR
}

ended() {
	[ -z "$(ip netns pids "$PREFIX$1")" ]
}

# --- What it shows ---------------------------------------------------------------------------------------------------------

say() {
	printf '\n%s\n' "$*"
}

# at ROUTER COMMAND...: shows the command as one would type it there, then runs it.
at() {
	router=$1
	shift
	printf '\n%s%s# %s%s\n' "$bold" "$router" "$*" "$plain"
	case $1 in
	romon)
		shift
		"$build/src/cli/romon" -s "$DIR/$router/socket" "$@"
		;;
	*) ip netns exec "$PREFIX$router" "$@" ;;
	esac || die "'$*' ended with status $?"
}

# Does hq reach farm through this router, and know all others?
reaches_through() {
	table=$("$build/src/cli/romon" -s $DIR/hq/socket --json discover duration=1s) || return 1
	[ "$(printf '%s' "$table" | grep -o '"active": *true' | wc -l)" -ge "$2" ] &&
		printf '%s' "$table" | tr -d ' \n' | grep -q "\"path\":\[\"$1\",\"[^]]*$FARM\"\]"
}

FARM=00:00:5E:00:53:51
CORE=00:00:5E:00:53:21
BACKUP=00:00:5E:00:53:31

show() {
	cat <<-'EOF'

		      hq ------- core ------- mast -----+
		       \                      /       switch --- farm
		        +------ backup ------+          |
		           (dearer: cost 300)           +------- barn

		Six routers. Each has network cards, and no IP address, route or switch configuration at all:
	EOF
	at hq ip -brief address

	say 'Each runs romond with four lines of configuration:'
	at backup cat $DIR/backup/romon.conf

	say 'Who is there? Cheapest paths, by the cost of both ends of every link:'
	await 10 reaches_through $CORE 5 || die 'hq does not find the others; see its log with KEEP=1'
	at hq romon discover
	at hq romon ping $FARM count=3
	say 'A ping takes an identity as well:'
	at hq romon ping farm count=3
	at hq romon map

	say 'Now the cable between core and mast is cut ...'
	at core ip link set eth2 down
	say '... and within 5 s of asking, the way leads through backup:'
	await 20 reaches_through $BACKUP 5 || die 'hq does not find the detour'
	at hq romon discover
	at hq romon ping farm count=3
	say 'What backup has passed on:'
	at backup romon stats
}

run() {
	check_root
	[ $# = 1 ] || die 'usage: demo.sh run BUILD'
	build=$(cd "$1" && pwd) || exit 1
	for program in daemon/romond cli/romon; do
		[ -x "$build/src/$program" ] || die "no $program in $1"
	done
	mkdir $DIR 2>/dev/null || die 'it is up already; to remove it: sudo make demo-clean'
	bold='' plain=''
	[ ! -t 1 ] || bold=$(printf '\033[1m') plain=$(printf '\033[m')
	trap clean EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	lay_out
	start
	show
	if [ "${KEEP:-}" = 1 ]; then
		trap - EXIT
		cat <<-EOF

			The network stays up. Look around, for example:
			    sudo $build/src/cli/romon -s $DIR/barn/socket discover
			    sudo ip -n ${PREFIX}core link set eth2 up
			    tail $DIR/*/log
			Remove it:
			    sudo make demo-clean
		EOF
	fi
}

case ${1-} in
run)
	shift
	run "$@"
	;;
clean)
	check_root
	clean
	;;
*) die 'usage: demo.sh run BUILD | clean' ;;
esac
