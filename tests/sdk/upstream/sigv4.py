"""AWS Signature Version 4, as AWS checks it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import datetime
import hashlib
import hmac
import re
import urllib.parse

from vendor import Refused

FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([a-z0-9-]+)/([a-z-]+)/aws4_request, ?"
                  r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})\Z")
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details.")


def check(method, call, id_, secret, region, service):
    """Refuses a call that is not signed with this key, for this region and service, now."""
    found = FORM.match(call.headers.get("authorization", ""))
    if not found:
        raise Refused("Missing Authentication Token", status=403)
    given, day, in_region, for_service, names, signature = found.groups()
    stamp = call.headers.get("x-amz-date", "")
    if given != id_:
        raise Refused("The security token included in the request is invalid.", status=403)
    if (in_region, for_service) != (region, service) or stamp[:8] != day:
        raise Refused("Credential should be scoped to a valid region.", status=403)
    if "host" not in names.split(";") or "x-amz-date" not in names.split(";"):
        raise Refused("'Host' and 'x-amz-date' must be signed headers.", status=403)
    when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) > 300:
        raise Refused("Signature expired", status=403)
    path, _, query = call.path.partition("?")
    # Every service but S3 signs the path encoded once more than it is sent.
    canonical = "\n".join([
        method, urllib.parse.quote(path, safe="/-_.~"), "&".join(sorted(query.split("&"))) if query else "",
        *(f"{name}:{' '.join(call.headers.get(name, '').split())}" for name in names.split(";")), "",
        names, hashlib.sha256(call.raw).hexdigest(),
    ])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), signature):
        raise Refused(MISMATCH, status=403)
