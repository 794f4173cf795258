"""The server of all vendors: finds whose path it is, files what arrived, and misbehaves where the model's name says so."""

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from anthropic import Anthropic
from bedrock import Bedrock
from cohere import Cohere
from gemini import Gemini
from openai_chat import OpenAiChat
from openai_media import OpenAiMedia
from openai_responses import OpenAiResponses
from vendor import MIDWAY, MISCHIEF, Call, Refused

VENDORS = [OpenAiChat(), OpenAiResponses(), Anthropic(), Gemini(), Bedrock(), Cohere()]
MEDIA = OpenAiMedia()
USER = re.compile(rb"user-[0-9a-f-]{32,36}")


class Log:
    """What arrived, by the name that stands in the body."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = {}

    def add(self, call):
        """Files a call; gives how many its user had before."""
        found = USER.search(call.raw)
        with self.lock:
            calls = self.calls.setdefault(found and found.group().decode(), [])
            calls.append(call.seen)
            return len(calls) - 1

    def of(self, user):
        """The calls of one user, oldest first."""
        with self.lock:
            return list(self.calls.get(user, ()))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version, sys_version = "upstream", ""

    def log_message(self, *_):
        """Says nothing: a failed test shows what matters."""

    def send(self, status, value, headers=(), kind="application/json"):
        """A whole answer."""
        body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        for name, text in (("content-type", kind), ("content-length", str(len(body))), *headers):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """What arrived, for tests; a thing that the vendor keeps."""
        if MEDIA.claims(self.path):
            return MEDIA.answer(self, "GET")
        if not self.path.startswith("/seen/"):
            return self.send(404, {"error": f"GET {self.path} is nobody's"})
        return self.send(200, self.server.log.of(self.path.removeprefix("/seen/")))

    def do_DELETE(self):
        """The end of a thing that the vendor keeps."""
        if MEDIA.claims(self.path):
            return MEDIA.answer(self, "DELETE")
        return self.send(404, {"error": f"DELETE {self.path} is nobody's"})

    def do_POST(self):
        """A call."""
        if MEDIA.claims(self.path):
            return MEDIA.answer(self, "POST")
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.path, headers, raw, self.server.key)
        vendor = next((vendor for vendor in VENDORS if vendor.claims(self.path)), None)
        if vendor is None:
            return self.send(404, {"error": f"POST {self.path} is nobody's"})
        try:
            vendor.admit(call)
            vendor.check(call)
        except Refused as refused:
            return self.refuse(vendor, refused.status, refused)
        before = self.server.log.add(call)
        model = call.model
        if model.startswith("error-"):
            status = int(model.removeprefix("error-"))
            return self.refuse(vendor, status, None, [("retry-after", "2")] if status == 429 else ())
        if model == "html":
            return self.send(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", kind="text/html")
        if model == "limited" and before == 0:
            return self.refuse(vendor, 429, None, [("retry-after", "1")])
        if model not in MISCHIEF and model not in vendor.models:
            return self.refuse(vendor, 404, None)
        if model == "slow":
            time.sleep(3)
        try:
            self.stream(vendor, call) if call.streams else self.whole(vendor, call)
        except (BrokenPipeError, ConnectionResetError):
            call.seen["left_early"] = True
            self.close_connection = True

    def refuse(self, vendor, status, refused, headers=()):
        """An error in the vendor's shape."""
        value, more = vendor.error(status, refused)
        self.send(status, value, [*more, *headers])

    def whole(self, vendor, call):
        """A whole answer."""
        body = json.dumps(vendor.whole(call), indent=2, ensure_ascii=False).encode()
        call.seen["answer"] = body.decode()
        if call.model == "cut":
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.send(200, body, [("openai-processing-ms", "5"), ("x-request-id", "req_upstream")])

    def stream(self, vendor, call):
        """A streamed answer, in chunks that end anywhere, also inside of a letter."""
        self.send_response(200)
        self.send_header("content-type", vendor.stream_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in vendor.stream(call):
            if piece is not MIDWAY:
                for part in torn(piece):
                    self.chunk(part)
            elif self.misbehave(vendor, call):
                return
        self.chunk(b"")

    def misbehave(self, vendor, call):
        """What the model's name asks for in the middle of a stream; whether the stream is over."""
        if call.model == "stall":
            time.sleep(3)
        if call.model == "cut":
            self.close_connection = True
            return True
        if call.model == "broken-stream":
            self.chunk(vendor.failure())
            self.chunk(b"")
            return True
        if call.model == "endless":
            for _ in range(1200):
                self.chunk(vendor.more(call))
                time.sleep(0.05)
        return False

    def chunk(self, data):
        """One piece of a chunked body; an empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def torn(data):
    """Bytes in two pieces: the first letter of more than one byte is cut, if there is one."""
    at = next((at + 1 for at, byte in enumerate(data) if byte >= 0xc0), len(data) // 2)
    return [data[:at], data[at:]] if 0 < at < len(data) else [data]


class Server(ThreadingHTTPServer):
    """Any number of connections, on a port of its own."""

    daemon_threads = True

    def __init__(self, key):
        super().__init__(("127.0.0.1", 0), Handler)
        self.key, self.log = key, Log()

    def handle_error(self, request, client_address):
        """A connection that the gateway ends is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
