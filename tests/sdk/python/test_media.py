"""Images, sound, files and batches, by OpenAI's own client."""

import base64
import io

import openai
import pytest

#: Files and batches name no model, so the caller names the provider.
LOCAL = {"x-postern-provider": "local"}


def recording(size=2000):
    """A file with a name, as the SDK takes it."""
    return ("a b.mp3", b"ID3" + b"\x00\xff\r\n--" * (size // 6), "audio/mpeg")


@pytest.fixture
def other(site):
    """A client of another tenant."""
    key = site.new_key(tenant="other")["key"]
    with openai.OpenAI(base_url=site.base_url, api_key=key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def file(client):
    """A file of this tenant's, with two requests of a batch in it."""
    made = client.files.create(file=("in.jsonl", b"{}\n{}\n"), purpose="batch", extra_headers=LOCAL)
    yield made
    try:
        client.files.delete(made.id)
    except openai.NotFoundError:
        pass


def test_an_image_is_made_and_priced(client, site):
    raw = client.images.with_raw_response.generate(model="local/gpt-image-1", prompt="a cat")
    image = raw.parse()
    assert base64.b64decode(image.data[0].b64_json) == b"a cat of 0"
    assert image.usage.output_tokens == 50
    # 10 x 5.00 + 50 x 40.00 micro-USD.
    assert raw.headers["x-postern-cost-usd"] == "0.002050"
    record = site.record(raw.headers["x-request-id"])
    assert (record["operation"], record["usage"]) == ("image_generation", {"input": 10, "output": 0, "output_image": 50})


def test_images_are_edited(client, site):
    images = [("a.png", b"1", "image/png"), ("b.png", b"2", "image/png")]
    raw = client.images.with_raw_response.edit(model="local/gpt-image-1", image=images, prompt="a dog")
    assert base64.b64decode(raw.parse().data[0].b64_json) == b"a dog of 2"
    record = site.record(raw.headers["x-request-id"])
    assert record["usage"] == {"input": 10, "input_image": 646, "output": 0, "output_image": 50}


def test_an_image_comes_as_a_stream(client):
    kinds = [event.type for event in client.images.generate(
        model="local/gpt-image-1", prompt="a cat", stream=True, partial_images=1)]
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]


def test_sound_is_streamed(client, site):
    with client.audio.speech.with_streaming_response.create(
            model="local/gpt-4o-mini-tts", voice="alloy", input="Grüße aus Zürich") as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        sound = b"".join(answer.iter_bytes())
        request_id = answer.headers["x-request-id"]
    assert sound == b"ID3" + "Grüße aus Zürich".encode()
    record = site.record(request_id)
    assert (record["operation"], record["usage"]["characters"], record["priced"]) == ("speech", 16, False)


def test_a_recording_is_transcribed(client, site):
    raw = client.audio.transcriptions.with_raw_response.create(model="local/gpt-4o-transcribe", file=recording())
    assert raw.parse().text == "2001 bytes of a b.mp3"
    record = site.record(raw.headers["x-request-id"])
    assert record["usage"] == {"input": 4, "input_audio": 10, "output": 45}


def test_a_recording_is_transcribed_in_other_forms(client, site):
    text = client.audio.transcriptions.create(
        model="local/whisper-1", file=recording(), response_format="srt")
    assert text == "2001 bytes of a b.mp3\n"
    raw = client.audio.transcriptions.with_raw_response.create(
        model="local/whisper-1", file=recording(), response_format="verbose_json")
    assert raw.parse().duration == 8.47
    assert site.record(raw.headers["x-request-id"])["usage"]["audio_ms"] == 8470
    said = list(client.audio.transcriptions.create(
        model="local/gpt-4o-transcribe", file=recording(), stream=True))
    assert [event.type for event in said] == ["transcript.text.delta", "transcript.text.done"]
    translated = client.audio.translations.create(model="local/whisper-1", file=recording())
    assert translated.text.startswith("in English: ")


def test_a_large_recording_passes(client):
    size = 3 << 20
    text = client.audio.transcriptions.create(model="local/whisper-1", file=("big.wav", io.BytesIO(bytes(size))))
    assert text.text == f"{size} bytes of big.wav"


def test_refusals_of_the_vendor_pass(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.speech.create(model="local/tts-1", voice="alloy", input=7)
    assert refused.value.param == "input"


def test_a_file_is_kept_for_its_tenant_alone(client, other, file):
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == b"{}\n{}\n"
    assert file.id in [listed.id for listed in client.files.list(extra_headers=LOCAL)]
    for ask in (other.files.retrieve, other.files.content, other.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(file.id)
    assert file.id not in [listed.id for listed in other.files.list(extra_headers=LOCAL)]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_a_batch_is_run_and_recorded_once(client, other, site, file):
    def create(by):
        return by.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")

    with pytest.raises(openai.NotFoundError):
        create(other)
    batch = create(client)
    with pytest.raises(openai.NotFoundError):
        other.batches.retrieve(batch.id)
    assert client.batches.retrieve(batch.id).status == "in_progress"
    raw = client.batches.with_raw_response.retrieve(batch.id)
    done = raw.parse()
    assert done.status == "completed"
    record = site.record(raw.headers["x-request-id"])
    assert (record["operation"], record["batch"]["completed"]) == ("batch", 2)
    assert record["usage"] == {"input": 11, "output": 7}
    again = client.batches.with_raw_response.retrieve(batch.id)
    assert "batch" not in site.record(again.headers["x-request-id"])
    assert client.files.content(done.output_file_id).read() == b"{}\n{}"
    assert batch.id in [listed.id for listed in client.batches.list(extra_headers=LOCAL)]


def test_the_provider_must_be_clear(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=("in.jsonl", b"{}"), purpose="batch")
    assert refused.value.param == "provider"
    assert "x-postern-provider" in str(refused.value)
