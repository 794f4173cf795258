"""OpenAI's images, sound, files and batches, from its API reference: what it takes, what it refuses, what it answers.

Sound is the text that it says; a transcription is the text that a file holds. So an answer shows what arrived.
"""

import base64
import json
import re
import time
import uuid
from email.parser import BytesParser
from email.policy import HTTP

from vendor import Refused

IMAGE_MODELS = ("gpt-image-1", "dall-e-2")
SPEECH_MODELS = ("gpt-4o-mini-tts", "tts-1")
TRANSCRIPTION_MODELS = ("gpt-4o-transcribe", "whisper-1")
PATHS = re.compile(r"/(images/(generations|edits|variations)|audio/(speech|transcriptions|translations)"
                   r"|files(/[^/]+(/content)?)?|batches(/[^/]+(/cancel)?)?)$")
FORMS = {
    "/images/edits": ({"image", "mask"}, {"prompt", "model", "n", "size", "quality", "background", "input_fidelity",
                                          "output_format", "stream", "partial_images", "user", "response_format"}),
    "/images/variations": ({"image"}, {"model", "n", "size", "response_format", "user"}),
    "/audio/transcriptions": ({"file"}, {"model", "language", "prompt", "response_format", "stream", "temperature",
                                         "timestamp_granularities", "include", "chunking_strategy"}),
    "/audio/translations": ({"file"}, {"model", "prompt", "response_format", "temperature"}),
    "/files": ({"file"}, {"purpose", "expires_after"}),
}


class Sent:
    """Status, content type and pieces of an answer."""

    def __init__(self, body, kind="application/json", status=200):
        self.status, self.kind = status, kind
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        self.pieces = body if isinstance(body, list) else [body]


def events(*values):
    """A stream of events."""
    sent = Sent(b"", "text/event-stream; charset=utf-8")
    sent.pieces = [f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode() for value in values]
    return sent


class OpenAiMedia:
    """The vendor, with what it keeps."""

    def __init__(self):
        self.files, self.batches = {}, {}

    @staticmethod
    def claims(path):
        """Whether it has this path."""
        return PATHS.search(path.partition("?")[0]) is not None

    def answer(self, handler, method):
        """Reads a request and sends the answer."""
        path = "/" + PATHS.search(handler.path.partition("?")[0]).group(1)
        raw = read_body(handler)
        try:
            if handler.headers.get("authorization") != f"Bearer {handler.server.key}":
                raise Refused("Incorrect API key provided.", code="invalid_api_key", status=401)
            sent = self.of(method, path, handler.headers, raw)
        except Refused as refused:
            error = {"message": str(refused), "type": "invalid_request_error", "param": refused.param,
                     "code": refused.code}
            sent = Sent({"error": error}, status=refused.status)
        if len(sent.pieces) == 1:
            return handler.send(sent.status, sent.pieces[0], kind=sent.kind)
        handler.send_response(sent.status)
        handler.send_header("content-type", sent.kind)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for piece in [*sent.pieces, b""]:
            handler.chunk(piece)
        return None

    def of(self, method, path, headers, raw):
        """The answer to a request."""
        name = path.split("/")[1]
        if name == "files":
            return self.file(method, path, headers, raw)
        if name == "batches":
            return self.batch(method, path, raw)
        if method != "POST":
            raise Refused(f"Invalid method for URL ({method} {path})", status=405)
        if path == "/images/generations":
            return image(read_json(raw), "image_generation", 0)
        if path == "/audio/speech":
            return speech(read_json(raw))
        fields, files = read_form(path, headers, raw)
        if name == "images":
            if path == "/images/edits" and "prompt" not in fields:
                raise Refused("Missing required parameter: 'prompt'.", "prompt")
            fields["stream"] = fields.get("stream") == "true"
            return image(fields, "image_edit", len(files["image"]))
        return transcription(fields, files["file"][0], path.endswith("translations"))

    def file(self, method, path, headers, raw):
        """What is asked of files."""
        if path == "/files":
            if method != "POST":
                raise Refused("this suite's files are not listed: a gateway lists its own", status=400)
            fields, files = read_form(path, headers, raw)
            if "purpose" not in fields:
                raise Refused("Missing required parameter: 'purpose'.", "purpose")
            return Sent(self.keep(files["file"][0][0], fields["purpose"], files["file"][0][1]))
        name = path.split("/")[2]
        if name not in self.files:
            raise Refused(f"No such File object: {name}", "id", status=404)
        value, content = self.files[name]
        if method == "DELETE":
            del self.files[name]
            return Sent({"id": name, "object": "file", "deleted": True})
        return Sent(content, "application/octet-stream") if path.endswith("/content") else Sent(value)

    def keep(self, filename, purpose, content):
        """Keeps a file."""
        name = f"file-{uuid.uuid4().hex}"
        value = {"id": name, "object": "file", "bytes": len(content), "created_at": int(time.time()),
                 "filename": filename, "purpose": purpose, "status": "processed"}
        self.files[name] = (value, content)
        return value

    def batch(self, method, path, raw):
        """What is asked of batches. One is done the second time that it is looked at."""
        if path == "/batches":
            request = read_json(raw)
            for field in ("input_file_id", "endpoint", "completion_window"):
                if field not in request:
                    raise Refused(f"Missing required parameter: '{field}'.", field)
            if request["input_file_id"] not in self.files:
                raise Refused("Invalid value: no such file.", "input_file_id")
            name = f"batch_{uuid.uuid4().hex}"
            self.batches[name] = {
                "id": name, "object": "batch", "status": "validating", "created_at": int(time.time()),
                "request_counts": {"total": 0, "completed": 0, "failed": 0}, **request}
            return Sent(self.batches[name])
        value = self.batches.get(path.split("/")[2])
        if value is None:
            raise Refused("No such batch.", "id", status=404)
        if path.endswith("/cancel"):
            value["status"] = "cancelled"
        elif value["status"] == "validating":
            value["status"] = "in_progress"
        elif value["status"] == "in_progress":
            lines = self.files[value["input_file_id"]][1].splitlines()
            output = self.keep("output.jsonl", "batch_output", b"\n".join(lines))
            value.update(status="completed", output_file_id=output["id"], model="gpt-4o-mini",
                         request_counts={"total": len(lines), "completed": len(lines), "failed": 0},
                         usage={"input_tokens": 11, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 7,
                                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 18})
        return Sent(value)


def read_body(handler):
    """The body, of a declared length or in chunks."""
    if "chunked" not in (handler.headers.get("transfer-encoding") or ""):
        return handler.rfile.read(int(handler.headers.get("content-length") or 0))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def read_json(raw):
    """The body as an object."""
    try:
        value = json.loads(raw)
    except ValueError:
        raise Refused("We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise Refused("The body of a request is an object.")
    return value


def read_form(path, headers, raw):
    """Fields, and files by their field: name and content."""
    kind = headers.get("content-type") or ""
    if not kind.startswith("multipart/form-data"):
        raise Refused(f"Invalid Content-Type header ({kind}), expected multipart/form-data.")
    message = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + raw)
    known_files, known_fields = FORMS[path]
    fields, files = {}, {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition").removesuffix("[]")
        content = part.get_payload(decode=True)
        if part.get_filename() is not None:
            if name not in known_files:
                raise Refused(f"Unknown parameter: '{name}'.", name)
            files.setdefault(name, []).append((part.get_filename(), content))
        elif name not in known_fields or name in fields:
            raise Refused(f"Unknown or duplicate parameter: '{name}'.", name)
        else:
            fields[name] = content.decode()
    for name in known_files - {"mask"}:
        if name not in files:
            raise Refused(f"Missing required parameter: '{name}'.", name)
    return fields, files


def model_of(request, known):
    """The model, which must be one."""
    model = request.get("model")
    if model not in known:
        raise Refused(f"The model '{model}' does not exist.", "model", "model_not_found", 404)
    return model


def image(request, kind, images):
    """An image, whole or as events."""
    model = model_of(request, IMAGE_MODELS)
    picture = base64.b64encode(f"{request.get('prompt')} of {images}".encode()).decode()
    if model == "dall-e-2":
        return Sent({"created": 1, "data": [{"url": "https://img.test/1"}] * int(request.get("n") or 1)})
    usage = {"total_tokens": 60 + 323 * images, "input_tokens": 10 + 323 * images, "output_tokens": 50,
             "input_tokens_details": {"text_tokens": 10, "image_tokens": 323 * images}}
    if request.get("stream"):
        return events({"type": f"{kind}.partial_image", "b64_json": "AA==", "partial_image_index": 0},
                      {"type": f"{kind}.completed", "b64_json": picture, "usage": usage})
    return Sent({"created": 1, "data": [{"b64_json": picture}], "usage": usage})


def speech(request):
    """The text as sound, in pieces."""
    model_of(request, SPEECH_MODELS)
    for field in ("input", "voice"):
        if not isinstance(request.get(field), str):
            raise Refused(f"Missing required parameter: '{field}'.", field)
    text = request["input"].encode()
    if request.get("stream_format") == "sse":
        usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
        return events({"type": "speech.audio.delta", "audio": base64.b64encode(text).decode()},
                      {"type": "speech.audio.done", "usage": usage})
    sent = Sent(b"", "audio/mpeg")
    sent.pieces = [b"ID3", *(text[at:at + 4] for at in range(0, len(text), 4))]
    return sent


def transcription(request, file, english):
    """What the file says."""
    model = model_of(request, TRANSCRIPTION_MODELS)
    text = ("in English: " if english else "") + f"{len(file[1])} bytes of {file[0]}"
    form = request.get("response_format", "json")
    if form in ("text", "srt", "vtt"):
        return Sent(text.encode() + b"\n", "text/plain; charset=utf-8")
    if form == "verbose_json":
        return Sent({"task": "transcribe", "language": "english", "duration": 8.47, "text": text, "segments": []})
    if model == "whisper-1":
        return Sent({"text": text, "usage": {"type": "duration", "seconds": 9}})
    usage = {"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
             "output_tokens": 45, "total_tokens": 59}
    if request.get("stream") == "true":
        return events({"type": "transcript.text.delta", "delta": text},
                      {"type": "transcript.text.done", "text": text, "usage": usage})
    return Sent({"text": text, "usage": usage})
