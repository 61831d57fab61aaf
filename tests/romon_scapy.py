# SPDX-License-Identifier: BSD-2-Clause
"""The RoMON wire format for scapy: a second implementation, written from docs/protocol.md and not from src/core, so that the two
can be held against each other.

    Ether(frame)                   dissects, leniently, as scapy does: good for looking at things
    decode(message)                dissects a message (without its Ethernet header) strictly, or raises Malformed
    raw(Ether()/RoMON()/Data())    builds; lengths and counts that are left out are computed
    sign(secret, frame, Mark(..))  fills the authentication field of a whole frame; fits(secret, frame) tells whether it is right

A message starts at the RoMON header. The length field in it counts 14 bytes of Ethernet header too.
"""
import hashlib
import hmac
from collections import namedtuple

from scapy.compat import raw
from scapy.fields import (ByteEnumField, ByteField, FieldLenField, IntField, MACField, PacketField, PacketListField, ShortField,
                          StrFixedLenField, StrLenField, XByteField, XIntField)
from scapy.layers.l2 import Ether
from scapy.packet import Packet, bind_layers

ETHERTYPE = 0x88BF
GROUP = "01:80:c2:00:88:bf"
BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO = "00:00:00:00:00:00"
HEADER = 40         # bytes of the common header
ETHERNET = 14       # bytes that the length field counts on top of the message
DISCOVER, DISCOVER_RESP, DATA, SEQERR, HELLO = 1, 2, 3, 4, 5
TAG_ROUTE, TAG_IDENTITY, TAG_VERSION, TAG_BOARD, TAG_UPTIME = 1, 3, 4, 5, 224
TLV_SIZES = {TAG_ROUTE: 34, TAG_VERSION: 4, TAG_UPTIME: 4}  # tags whose value has one size
BODY_START = {DISCOVER: 48, DISCOVER_RESP: 48, DATA: 46, SEQERR: 56, HELLO: 64}  # end of what every message of the type has
PORT_PING = 1


class Malformed(Exception):
    """These bytes are no RoMON message."""


class Part(Packet):
    """A piece of a list: what follows it belongs to the next one."""

    def extract_padding(self, s):
        return b"", s


class Hop(Part):
    name = "RoMON hop"
    fields_desc = [XIntField("link", 0), MACField("mac", ZERO)]


class Link(Part):
    """One end of a wire, as a route TLV names it; all zero where there is none."""
    name = "RoMON link"
    fields_desc = [XIntField("link", 0), ShortField("l2mtu", 0), ShortField("cost", 0), MACField("mac", ZERO)]


class TLV(Part):
    """Any tag that is not known."""
    name = "RoMON TLV"
    fields_desc = [XByteField("tag", 0), FieldLenField("len", None, fmt="B", length_of="value"),
                   StrLenField("value", b"", length_from=lambda p: p.len)]


class Route(Part):
    name = "RoMON route TLV"
    fields_desc = [XByteField("tag", TAG_ROUTE), ByteField("len", 34), MACField("id", ZERO),
                   PacketField("inlink", Link(), Link), PacketField("outlink", Link(), Link)]


class Identity(TLV):
    name = "RoMON identity TLV"
    fields_desc = [XByteField("tag", TAG_IDENTITY)] + TLV.fields_desc[1:]


class Board(TLV):
    name = "RoMON board TLV"
    fields_desc = [XByteField("tag", TAG_BOARD)] + TLV.fields_desc[1:]


class Version(Part):
    name = "RoMON version TLV"
    fields_desc = [XByteField("tag", TAG_VERSION), ByteField("len", 4), ByteField("major", 7), ByteField("minor", 13),
                   StrFixedLenField("stage", b"f", 1), ByteField("revision", 0)]


class Uptime(Part):
    name = "RoMON uptime TLV"
    fields_desc = [XByteField("tag", TAG_UPTIME), ByteField("len", 4), IntField("seconds", 0)]


TLV_CLASSES = {TAG_ROUTE: Route, TAG_IDENTITY: Identity, TAG_VERSION: Version, TAG_BOARD: Board, TAG_UPTIME: Uptime}


def tlv_class(packet, found, last, rest):
    """The class for the next TLV. A known tag with a size that it cannot have is shown as an unknown one."""
    if not rest:
        return None
    if len(rest) > 1 and rest[1] == TLV_SIZES.get(rest[0], rest[1]):
        return TLV_CLASSES.get(rest[0], TLV)
    return TLV


class RoMON(Packet):
    """The common header. Its authentication field is all zero where nothing is hashed."""
    name = "RoMON"
    fields_desc = [ByteEnumField("type", DISCOVER, {1: "Discover", 2: "DiscoverResp", 3: "Data", 4: "SeqErr", 5: "Hello"}),
                   ByteField("zero", 0), ShortField("length", None), StrFixedLenField("auth", bytes(24), 24),
                   MACField("src", ZERO), MACField("dst", BROADCAST)]

    def post_build(self, header, payload):
        if self.length is None:
            length = ETHERNET + len(header) + len(payload)
            header = header[:2] + length.to_bytes(2, "big") + header[4:]
        return header + payload

    def extract_padding(self, s):
        end = max(0, self.length - ETHERNET - HEADER)
        return s[:end], s[end:]


class Discover(Packet):
    """Body of Discover and, under its own name, of DiscoverResp."""
    name = "RoMON Discover"
    fields_desc = [FieldLenField("n", None, fmt="B", count_of="hops"), ByteField("p", 0), StrFixedLenField("zeros", bytes(6), 6),
                   PacketListField("hops", [], Hop, count_from=lambda p: p.n),
                   PacketListField("tlvs", [], next_cls_cb=tlv_class)]

    def tlv(self, cls):
        """The TLVs of one class, in their order."""
        return [t for t in self.tlvs if type(t) is cls]


class DiscoverResp(Discover):
    name = "RoMON DiscoverResp"
    fields_desc = Discover.fields_desc


class Data(Packet):
    name = "RoMON Data"
    fields_desc = [FieldLenField("n", None, fmt="B", count_of="hops"), ByteField("p", 0), StrFixedLenField("zeros", bytes(4), 4),
                   PacketListField("hops", [], Hop, count_from=lambda p: p.n),
                   ShortField("sport", 0), ShortField("dport", 0)]

    def guess_payload_class(self, payload):
        return Ping if PORT_PING in (self.sport, self.dport) else Stream


class Ping(Packet):
    name = "RoMON ping"
    fields_desc = [IntField("seq", 0)]


class Stream(Packet):
    name = "RoMON stream segment"
    fields_desc = [ByteEnumField("type", 0, {0: "connect", 1: "accept", 2: "data", 3: "ack", 4: "close"}),
                   XByteField("unknown", 0), IntField("seq", 0), IntField("ack", 0)]


class SeqErr(Packet):
    name = "RoMON SeqErr"
    fields_desc = [MACField("target", ZERO), ShortField("zero", 0), StrFixedLenField("nonce", bytes(8), 8)]


class Hello(Packet):
    name = "RoMON Hello"
    fields_desc = [MACField("target", ZERO), ShortField("zero", 0), StrFixedLenField("returned", bytes(8), 8),
                   StrFixedLenField("challenge", bytes(8), 8)]


bind_layers(Ether, RoMON, type=ETHERTYPE)
for _type, _class in ((DISCOVER, Discover), (DISCOVER_RESP, DiscoverResp), (DATA, Data), (SEQERR, SeqErr), (HELLO, Hello)):
    bind_layers(RoMON, _class, type=_type)


def is_id(mac):
    """May these six bytes be the ID of a router? Neither zero nor a group address."""
    return any(mac) and not mac[0] & 1


def walk_tlvs(part):
    """Yields (tag, value, whole TLV) of a run of TLVs. Malformed if one overruns, or if a route has not its size. (A version or
    uptime of another size is strange, but no reason for a relay to refuse the answer of a stranger.)"""
    while part:
        if len(part) < 2 or len(part) < 2 + part[1]:
            raise Malformed("a TLV runs past the end")
        tag, size = part[0], part[1]
        if tag == TAG_ROUTE and size != TLV_SIZES[TAG_ROUTE]:
            raise Malformed(f"a route with {size} bytes")
        yield tag, part[2:2 + size], part[:2 + size]
        part = part[2 + size:]


def check(message):
    """Returns the message without padding, or raises Malformed. Judges what can be judged without knowing the receiver."""
    if len(message) < HEADER:
        raise Malformed("shorter than the header")
    kind, end = message[0], int.from_bytes(message[2:4], "big") - ETHERNET
    if kind not in BODY_START:
        raise Malformed("unknown type")
    if end > len(message) or end < BODY_START[kind]:
        raise Malformed("impossible length")
    message = message[:end]
    everyone = kind in (DISCOVER, SEQERR, HELLO) and message[34:40] == b"\xff" * 6
    if not is_id(message[28:34]) or not (is_id(message[34:40]) or everyone):
        raise Malformed("no RoMON ID")
    if kind in (DISCOVER, DISCOVER_RESP):
        tlvs = [tag for tag, _, _ in walk_tlvs(message[48 + 10 * message[40]:])]
        if 48 + 10 * message[40] > end or tlvs.count(TAG_ROUTE) < kind:
            raise Malformed("hops or routes are missing")
    if kind == DATA and 46 + 10 * message[40] + 4 > end:
        raise Malformed("hops or ports are missing")
    return message


def decode(message):
    """Dissects a message, padding cut off, or raises Malformed."""
    return RoMON(check(message))


def rebuilt(packet):
    """The bytes of a packet made anew from its fields, with every computed field computed again."""
    packet = packet.copy()
    packet.length = None
    for layer in (Discover, DiscoverResp, Data):
        if layer in packet:
            packet[layer].n = None
    packet.clear_cache()
    return raw(packet)


def normalise(message):
    """A message without what may differ between two good routers of one configuration: length, version, uptime. As bytes."""
    message = check(message)
    if message[0] != DISCOVER_RESP:
        return message
    start = 48 + 10 * message[40]
    kept = b"".join(whole for tag, _, whole in walk_tlvs(message[start:]) if tag not in (TAG_VERSION, TAG_UPTIME))
    return message[:2] + b"\0\0" + message[4:start] + kept


def frame(dst, src, message):
    """A whole Ethernet frame around a message (scapy's or bytes), padded to the Ethernet minimum."""
    return raw(Ether(dst=dst, src=src, type=ETHERTYPE) / message).ljust(60, b"\0")


# Authentication (section 7), on whole Ethernet frames as bytes.

Mark = namedtuple("Mark", "index counter")  # what a sender writes beside the digest
AUTH, DIGEST, AUTH_END = ETHERNET + 4, ETHERNET + 16, ETHERNET + 28


def is_hashed(frame):
    return any(frame[AUTH:AUTH_END])


def mark(frame):
    """The index and the counter that a frame carries."""
    return Mark(int.from_bytes(frame[AUTH:AUTH + 4], "big"), int.from_bytes(frame[AUTH + 4:DIGEST], "big"))


def digest(secret, frame):
    """HMAC-MD5-96 over both Ethernet addresses and the message without padding, its digest zero."""
    end = int.from_bytes(frame[ETHERNET + 2:ETHERNET + 4], "big")  # the length field counts the Ethernet header
    text = frame[:12] + frame[ETHERNET:DIGEST] + bytes(AUTH_END - DIGEST) + frame[AUTH_END:end]
    return hmac.new(secret, text, hashlib.md5).digest()[:AUTH_END - DIGEST]


def fits(secret, frame):
    return is_hashed(frame) and digest(secret, frame) == frame[DIGEST:AUTH_END]


def sign(secret, frame, mark):
    frame = frame[:AUTH] + mark.index.to_bytes(4, "big") + mark.counter.to_bytes(8, "big") + frame[DIGEST:]
    return frame[:DIGEST] + digest(secret, frame) + frame[AUTH_END:]
