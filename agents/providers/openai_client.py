"""The OpenAI SDK's client for an endpoint that may be anybody's."""

import httpx2
import openai

from agents.providers.vendor import quiet

VENDOR_URL = "https://api.openai.com/v1"


def client_for(base_url: str, api_key: str, http: httpx2.Client) -> openai.OpenAI:
    """Return a client that sends to base_url this key and nothing else of the environment."""
    quiet("openai")
    is_the_vendor = base_url == VENDOR_URL
    return openai.OpenAI(
        api_key=api_key or "none",
        base_url=base_url,
        max_retries=0,
        http_client=http,
        default_headers={}
        if is_the_vendor
        else {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()},  # type: ignore[dict-item]
    )
