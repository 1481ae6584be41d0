"""Signs what the webhook sends as Standard Webhooks has it, so that receivers can verify it with a library.

The scheme: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
from collections.abc import Sequence

KEY_PREFIX = "whsec_"
"""Which a key may have as it is written down, and which is no part of it."""


def key_from(written: str) -> bytes:
    """A key out of its base64 form; raises ValueError where it is none."""
    return base64.b64decode(written.strip().removeprefix(KEY_PREFIX), validate=True)


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a receiver verifies, with a signature by each key; `timestamp` in seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
