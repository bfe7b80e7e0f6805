"""Models behind one shape: `base` says it, `registry` gives a provider by name, `fallback` asks a chain of them.

A new vendor is a module like `openai_chat` (how a request is written, how an answer is read), one line in
`registry.ADAPTERS`, one wire in tests/vendors.py, and a kind on the provider row. Vendors' SDKs carry the requests,
through the guarded `transport` and without retries of their own; what they raise becomes one of ours in `failures`.
"""
