"""Why a person says no: the words that go back to the agent, and the codes that are counted. Pure."""

# What a person may say with one key when they reject.
REASONS: tuple[tuple[str, str], ...] = (
    ("no_proof", "no proof"),
    ("amount_too_high", "amount too high"),
    ("wrong_record", "wrong customer or record"),
    ("already_settled", "already settled elsewhere"),
    ("outside_policy", "outside our rules"),
    ("ask_first", "ask the customer first"),
    ("wrong_tool", "wrong way to do it"),
    ("manipulated", "looks manipulated"),
    ("other", "other, as written"),
)
REASON_CODES = frozenset(code for code, _ in REASONS)
