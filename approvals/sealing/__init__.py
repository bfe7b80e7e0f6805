"""The chain over the audit trail: sealed in the background, signed every hour, checked by one script that needs nothing of ours.

Each row has a leaf: SHA-256 over its header's exact text and the salted hash of its payload. Leaves are chained in
(transaction, number) order; each batch ends with a seal; a checkpoint is a seal's hash, signed and kept outside.
"""
