# SPDX-License-Identifier: BSD-2-Clause
"""What the fuzz targets begin with: the captured frames where they are (else frames of our own), in the form that each target reads, the
corpus of the tree (corpus/TARGET.txt, an input in hexadecimal a line), and texts that the project has anyway."""
import struct
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
CAPTURED = TOP.parent / "shared" / "vectors" / "frames.txt"
OWN = TOP / "tests" / "vectors" / "own-frames.txt"

GROUP = bytes.fromhex("0180c20088bf")
STRANGER = bytes.fromhex("02000000000d")  # a MAC of tape.c
FIRST_PORT = bytes.fromhex("020000000006")
DATA = 3


def messages(own=False):
    """The test vectors, without Ethernet header: the captured ones where they are."""
    path = OWN if own or not CAPTURED.exists() else CAPTURED
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [bytes.fromhex(line[1]) for line in lines]


def frames(own):
    return [(FIRST_PORT if message[0] == DATA else GROUP) + STRANGER + b"\x88\xbf" + message for message in messages(own)]


def events(own):
    """For fuzz_engine: each frame by port 1 as it is, then as one for this router, then all of them after one another. Addresses: bit 0 the
    port's MAC as destination, 1 the group, 6 the length, 7 the first hop; a look behind each."""
    inputs, together = [], b""
    for frame in frames(own):
        event = b"\x40\x01" + struct.pack(">H", len(frame)) + frame
        inputs += [event + bytes([how]) for how in (0, 0x45, 0xe5)]
        together += event + b"\x45"
    ask_and_answer = bytes([13, 1, 3, 0, 6, 10, 0])  # asks; the answer of router 10 to the last frame, undamaged
    inputs += [together, ask_and_answer + b"\x4d\x01" + together]
    handshake = bytes([11, 0xff, 1, 1, 0x8b, 0xff, 1, 1])  # secrets for both
    crossing = bytes([5, 0, 0, 5, 0, 0])
    asks = bytes([13, 1]) + crossing * 2
    batched = bytes([5, 8, 8, 5, 12, 12])
    pings = bytes([14, 10, 3, 0, 32, 0]) + crossing * 2 + bytes([8, 2]) + crossing * 3 + bytes([0x48, 8])
    connects = bytes([15, 0, 4, 10, 3]) + crossing * 6 + bytes([15, 0, 0, 0x20, 0]) + crossing * 6 + bytes([15, 0, 2]) + crossing * 4
    crowds = [bytes([31, kind, 70, 70]) + bytes([13, 1] * (kind == 2)) + bytes([31, kind, 70, 71, 0x48, 8, 31, kind, 9, 9])
              for kind in range(4)]
    inputs += [handshake + batched * 6 + asks + pings.replace(crossing, batched * 2) + connects.replace(crossing, batched)]
    inputs += [handshake + crossing * 4 + asks + pings + connects, asks + pings + connects, asks + pings[:6] + bytes([0x48, 8] * 4)]
    # The neighbour comes back with a new index, its Hello is lost, and it asks: it is challenged, again and again, and proves itself.
    again = bytes([10 | 128, 1, 9 | 128, 1, 13, 0, 100, 11 | 128, 0xff, 1, 1])
    lost, later = bytes([5, 1, 0, 5, 1, 1, 8, 4]), bytes([8, 6, 5, 1, 1])
    ends = (crossing * 3 + bytes([7, 0, 0, 7, 1, 0, 7, 2, 0, 7, 0, 0, 7, 3, 0]) + asks, later * 5 + crossing * 4,
            bytes([8, 14]) + crossing * 4)
    inputs += [handshake + crossing * 4 + asks + again + lost * 2 + bytes([13 | 128, 1]) + end for end in ends]
    # A ping for this router, from a port that may ask and one that may not; 20 connects to one that does not answer.
    fields = bytes([2, 1, 2, 6, 13, 13, 3, 1, 0, 9, 6]) + struct.pack(">HHH", 2000, 1, 8) + bytes(8) + bytes([0xc5])
    inputs += [fields, fields.replace(struct.pack(">H", 2000), b"\0\7"), asks + bytes([15, 0, 4, 10, 3]) * 20 + bytes([8, 10] * 3)]
    # The neighbour asks, the question is passed on, and comes back answered, in either reading.
    passed_on = bytes([13 | 128, 1]) + crossing + bytes([8, 2])
    inputs += [passed_on + bytes([3, back, 2, 9, *change]) for back in (0, 1) for change in ((0,), (1, 0, 55, 1), (1, 0, 67, 255))]
    # An answer over one hop to this router, and Data over several, fields as tape_message() reads them.
    end = bytes([5]) + struct.pack(">HH", 1500, 100)
    routes = bytes([2, 12]) + end + b"\x0c" + end + b"\x0c" + bytes([9]) + end + b"\x09" + end + b"\x09\0\x40"
    inputs += [bytes([13, 1, 2, 1, 1, 6, 13, 3, 9, 1, pointer, 5, mac]) + routes for pointer in (0, 1) for mac in (6, 7)]
    ports = struct.pack(">HHH", 1, 2000, 8) + bytes(8) + b"\x40"
    ways = ([(9, 6), (2, 0)], 0), ([(9, 7), (9, 6), (2, 8)], 1), ([(9, 6), (2, 8)], 0), ([(9, 6), (77, 8)], 0), ([(9, 6)], 0)
    inputs += [bytes([2, 1, 2, 6, 13, 13, 3, len(hops), pointer]) + b"".join(map(bytes, hops)) + ports for hops, pointer in ways]
    # Ends with a reason; those who look for room among the half-open.
    inputs += [asks + connects[:5] + crossing * 6 + bytes([15, 0, 3, reason]) + crossing * 2 for reason in range(6)]
    inputs += [crowds[3] + bytes([8, 8]) + bytes([31, 3, 70, 72]), bytes([14, 10, 3, 0, 32, 0, 10, 1, 0x48, 8])]
    return inputs + [bytes([13, 1]) + crowd for crowd in crowds]


def segments(own):
    """For fuzz_stream: streams that open, carry data both ways, and close, in order. A step is its number and what it reads."""
    def peer(kind, mark, number, place, ack, size=None, ack_number=0):
        """size is that of the data, or of an ack its blocks."""
        out = bytes([0, kind, mark]) + struct.pack(">HB", number, place) + struct.pack(">HB", ack_number, ack)
        if isinstance(size, list):
            return out + bytes([len(size)]) + b"".join(struct.pack(">HH", start, end - start) for start, end in size)
        return out + (struct.pack(">H", size) if size is not None else b"")
    data = peer(2, 0, 0, 5, 4, 700)
    early = peer(2, 0, 900, 0, 4, 300)
    ack = peer(3, 0, 0, 5, 4, [])
    close = peer(4, 5, 0, 5, 4, 0)
    read, write, finish, wait = b"\x05\xff\xff", b"\x06\x20\x00", b"\x08", b"\x04\x05"
    orderly = ack + write + data + read + ack + early + data + data + read + finish + wait + close + read + ack + wait
    nothing_new = peer(3, 0, 0, 5, 2, [])
    repeated = ack + write * 3 + nothing_new * 5 + peer(3, 0, 0, 5, 0, [], 2000) + nothing_new + ack + wait + write + ack
    blocks = [peer(3, 0, 0, 5, 2, [(1400 * n, 1400 * n + 700 * k)]) for n in range(1, 5) for k in (1, 2)]
    twice = peer(3, 0, 0, 5, 0, [(0, 1400), (5600, 9000), (12000, 13000)], 2000)
    holes = ack + write * 3 + b"".join(blocks) + twice + wait + blocks[3] + twice + ack + wait
    again = orderly + b"\x04\x08" + peer(0, 1, 1, 5, 2) + b"\x04\x0b" + peer(0, 1, 2, 5, 2) + ack
    overlap = ack + data + peer(2, 0, 300, 1, 4, 700) + early + peer(2, 0, 0, 5, 4, 1200) + read + peer(2, 0, 100, 1, 4, 500) + read
    lossy = ack + write + (wait * 3 + ack) * 4 + data + close + read + (b"\x04\x08") * 20
    return [bytes([how]) + course for how in range(16) for course in (orderly, lossy, repeated, again, overlap, holes)]


def structs(_own):
    """For fuzz_wire_encode: one struct of every type."""
    return [struct.pack(">H", 2000) + bytes([kind, 6, 13, 3, 10]) + bytes([1, 0, 7, 6]) + bytes(range(80)) for kind in range(5)]


def captures(own):
    """For fuzz_capture: the frames as pcapng and pcap, of both byte orders."""
    inputs = []
    for order in "<>":
        def block(kind, body, order=order):
            body += bytes(-len(body) % 4)
            total = struct.pack(order + "I", len(body) + 12)
            return struct.pack(order + "I", kind) + total + body + total
        section = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
        interface = block(1, struct.pack(order + "HHI", 1, 0, 0) + struct.pack(order + "HHB3x", 9, 1, 9) + bytes(4))
        packets = b"".join(block(6, struct.pack(order + "IIIII", 0, 0, number * 1000, len(frame), len(frame)) + frame)
                           for number, frame in enumerate(frames(own)))
        simple = b"".join(block(3, struct.pack(order + "I", len(frame)) + frame) for frame in frames(own))
        inputs += [section + interface + packets, section + interface + simple, section + interface + block(5, b"statistics..")]
        for magic in (0xA1B2C3D4, 0xA1B23C4D):
            records = b"".join(struct.pack(order + "IIII", 1, number, len(frame), len(frame)) + frame
                               for number, frame in enumerate(frames(own)))
            inputs.append(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1) + records)
    return inputs


def configurations(_own):
    """For fuzz_config: the file that is installed, and the examples of romon.conf(5)."""
    page = (TOP / "docs" / "man" / "romon.conf.5.scd").read_text().replace("\\\\", "\\")
    texts = [(TOP / "packaging" / "romon.conf").read_text()] + page.split("```\n")[1::2]
    changes = b"\0p1cost\x007\0a0\0eth9\0x0identity\0a b\0r1\0\0s0disabled\0yes\0n0comment\0c\0d2\0"
    ports = "".join(f"add interface=e{number}\n" for number in range(513))
    services = "".join(f"add name=s{number} port={number + 90} to=tcp:127.0.0.1:7\n" for number in range(65))
    targets = "".join(f"add name=t{number} port={number + 90} to={to}\n" for number, to in enumerate(
        ['"tcp:[::1]:80"', "unix:/run/x", '"exec:/bin/cat -u"', '"tcp:192.0.2.1:7"']))
    texts += ["/tool romon port\n" + ports, "/tool romon service\n" + services, "/tool romon service\n" + targets,
              "/tool romon set current-id=02:00:00:00:00:01\n", "/tool romon set secrets=a,a\n", "/tool romon set identity=\"\\00\"\n",
              "/tool romon service set ssh name=other\n", "/tool romon service set ssh port=4\n", "/tool romon port add interface=all\n",
              "/tool romon winbox-agent\nset enabled=yes listen=127.0.0.1,::1 port=8299 address=192.0.2.0/24\n",
              "/tool romon winbox-agent set port=80\n", "/tool romon set datapath=packet answer-limit=200000\n",
              "/tool romon port set 0 datapath=xdp\n", "/tool romon set answer-limit=1 datapath=none\n",
              "/tool romon service add name=x port=3 to=unix:x\n", "/tool romon service add name=x port=9 to=\"tcp:[::1:7\"\n"]
    changes += b"w0port\x009000\0w0address\0\0w0listen\0::1\0x0answer-limit\x00300000\0x0datapath\0xdp\0p1datapath\0auto\0"
    changes += b"x0secrets\0(\"\")\0x0id\x0002:00:00:00:00:01\0n0port\0\x34\0"
    return [text.encode() for text in texts] + [text.encode() + changes for text in texts]


def calls(_own):
    """For fuzz_message and fuzz_control: a call of every method that the interface describes."""
    names = [line.split()[1].split("(")[0] for line in (TOP / "src/control/io.openromon.varlink").read_text().splitlines()
             if line.startswith("method ")]
    texts = [f'{{"method":"io.openromon.{name}","parameters":{{{words}}}{more}}}' for name in names
             for words, more in (("", ""), ('"duration":0', ""), ('"values":{"cost":"7"},"number":1', ""),
                                 ('"id":"02:00:00:00:00:05","count":1', ',"more":true'))]
    inputs = [text.encode() + b"\0" for text in texts] + [text.encode() for text in texts[:4]]

    def call(name, words="", more=""):
        return f'{{"method":"{name}","parameters":{{{words}}}{more}}}'.encode() + b"\0"
    ours, more = "io.openromon.", ',"more":true'
    described = call("org.varlink.service.GetInterfaceDescription", '"interface":"io.openromon"')
    connect = call(ours + "Connect", '"id":"02:00:00:00:00:05","port":3', ',"upgrade":true')
    off = call(ours + "Set", '"values":{"enabled":"no"}')
    return inputs + [
        call("org.varlink.service.GetInfo") + described, call("org.varlink.service.No") + call("com.example.No") + call("none"),
        b"\3" + described * 100 + b"\3", b"\3" + described * 30 + b"\2",
        connect, connect + b"\1" + call(ours + "GetStreams"), connect + connect, connect + b"\2\1" + call(ours + "GetEnds"),
        call(ours + "Ping", '"id":"02:00:00:00:00:05","count":2,"interval":0.001', more), call(ours + "Ping", '"id":"farm"', more) + b"\2",
        b"\1" + call(ours + "Discover", "", more) + b"\1" + off + call(ours + "Discover", "", more) + call(ours + "Ping"),
        b"\1" + call(ours + "Ping", '"id":"02:00:00:00:00:06","count":1') + b"\1" + off,
        b"\4\1" + off, b"\4\1" + call(ours + "GetPorts"), b"\4\1" + call(ours + "Discover", '"duration":0'), b"\4\1" + connect,
        b"\1" + off, b'{"method":"x","parameters":null}\0',
        call(ours + "Ping", '"id":7,"count":"x","size":0,"interval":-1'), call(ours + "Ping", '"id":"x","count":1,"wrong":1'),
        call(ours + "Connect", '"id":"02:00:00:00:00:05","port":3,"fdpass":3', ',"upgrade":true'),
        call(ours + "SetPort", '"number":0,"values":{"cost":3}'), call(ours + "SetPort", '"number":0,"values":[]'),
        call(ours + "GetSettings", '"show_sensitive":true') + call(ours + "GetPorts", '"show_sensitive":true'),
        call(ours + "Set", '"values":{"id":"02:00:00:00:00:09"}', ',"oneway":true')]


def winbox_lines(name, own):
    """The values of the vectors of WinBox's protocol, as they stand behind the last blank of each line: (first word, bytes)."""
    path = CAPTURED.parent / f"winbox-{name}.txt"
    path = OWN.parent / f"own-winbox-{name}.txt" if own or not path.exists() else path
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) > 2 and not line.startswith("#") and set(words[-1]) <= set("0123456789abcdef"):
            yield words[0], bytes.fromhex(words[-1])


def winbox_chunks(own):
    """For fuzz_winbox_chunk: what crosses the wire, as a login and as a session; and messages that are to be sealed."""
    wires = [data for word, data in winbox_lines("handshake", own) if word == "wire"]
    sealed = [b"\2" + struct.pack(">H", 8 * number) + data for number, (_, data) in enumerate(winbox_lines("m2", own))]
    long = b"\xff\x06\x01\x00" + bytes(253) + b"\x13\xff" + bytes(19) + b"\x00\xff"
    return [bytes([kind, cut]) + data for data in [*wires, b"".join(wires), long] for kind in (0, 1) for cut in (0, 16)] + sealed


def winbox_messages(own):
    return [data for _, data in winbox_lines("m2", own)]


def winbox_talks(_own):
    """For fuzz_winbox_channel: login, password, and then turns: 0 and 1 carry from one end to the other, 4 and 5 send, 6 and 7 invent."""
    login = bytes([0, 0, 1, 0, 0, 0, 1, 0])
    message = bytes([4, 0, 200, 7, 0, 0, 5, 4, 9, 1, 1, 0])
    byte_by_byte = bytes([0, 1] * 60 + [1, 1] * 60)
    return [bytes([who, word]) + talk for who in range(5) for word in (0, 1)
            for talk in (login, login + message * 3, byte_by_byte, login[:2] + bytes([6, 9]) + b"\x05\x06abcde",
                         login + bytes([0, 6, 0, 9]) + message,
                         login + message[:4] + bytes([0, 6, 0, 40, 3, 0, 0]), login + message[:4] + bytes([0, 4, 0, 0]))]


MAKERS = {
    "fuzz_winbox_chunk": winbox_chunks,
    "fuzz_winbox_m2": winbox_messages,
    "fuzz_winbox_channel": winbox_talks,
    "fuzz_wire_decode": frames,
    "fuzz_wire_encode": structs,
    "fuzz_engine": events,
    "fuzz_stream": segments,
    "fuzz_capture": captures,
    "fuzz_config": configurations,
    "fuzz_message": calls,
    "fuzz_control": calls,
}


def corpus(target):
    path = HERE / "corpus" / f"{target.removeprefix('fuzz_')}.txt"
    return [bytes.fromhex(line) for line in path.read_text().splitlines() if not line.startswith("#")] if path.exists() else []


def write(target, folder, own=False):
    """Writes everything that the target begins with into the folder, a file each. Returns how many."""
    inputs = MAKERS[target](own) + corpus(target)
    for number, data in enumerate(inputs):
        (Path(folder) / f"seed-{number:04}").write_bytes(data)
    return len(inputs)
