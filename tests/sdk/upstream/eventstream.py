"""AWS's binary event stream, as far as a vendor writes it.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html. A message is its length and its headers' length with a checksum, the
headers, the payload, and a checksum of everything; numbers are big-endian.
"""

import struct
import zlib


def message(headers, payload):
    """One message. The headers are texts."""
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value.encode())) + value.encode()
        for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    body = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return body + struct.pack("!I", zlib.crc32(body))


def event(name, payload):
    """An event of this type, of JSON."""
    return message({":event-type": name, ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(name, payload):
    """A modelled error that ends a stream."""
    return message({":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}, payload)
