"""Words with which texts try to give orders to a model, in the languages that customers write. Pure.

A signal and nothing more: whoever wants to get past a list of words gets past it. What protects is that the model's
wishes are judged by policy, whatever it has read. Patterns are linear: no part that repeats holds another that does.
"""

import re
from collections.abc import Iterator

_GAP = r"[\s\W]{1,6}"
_FEW = r"(?:\w{1,20}[\s\W]{1,4}){0,4}"


def _words(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for part in parts), re.IGNORECASE)


_ORDERS = _words(
    rf"\b(?:ignore|disregard|forget|override|bypass){_GAP}{_FEW}(?:instructions?|prompts?|rules|guidelines|polic(?:y|ies)|restrictions)\b",
    rf"\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*|übergeh\w*){_GAP}{_FEW}(?:anweisung\w*|instruktion\w*|regeln?|vorgaben?|richtlinien?)\b",
    rf"\b(?:ignore[zr]?|oublie[zr]?){_GAP}{_FEW}(?:instructions?|consignes?|règles)\b",
    rf"\b(?:ignora|ignore|olvida|olvide){_GAP}{_FEW}(?:instrucciones|indicaciones|reglas)\b",
    rf"\b(?:ignora|dimentica){_GAP}{_FEW}(?:istruzioni|regole)\b",
    rf"\b(?:negeer|vergeet){_GAP}{_FEW}(?:instructies|regels|opdrachten)\b",
    rf"\b(?:ignore|esqueça){_GAP}{_FEW}(?:instruções|regras)\b",
    rf"\b(?:zignoruj|ignoruj|zapomnij){_GAP}{_FEW}(?:instrukcje|polecenia|zasady)\b",
    r"(?:игнорируй|игнорируйте|забудь|забудьте)[^.\n]{0,40}(?:инструкци|указани|правил)",
    r"(?:忽略|无视|忘记)[^。\n]{0,12}(?:指令|指示|说明|规则)",
    r"(?:指示|命令|ルール)[^。\n]{0,8}(?:無視|忘れ)",
)
_ROLES = _words(
    r"^\s*(?:#{1,3}\s*)?(?:system|assistant|developer)\s*(?:prompt|message|instruction)?\s*:",
    r"<\|?(?:im_start|im_end|system|assistant|endoftext|start_header_id)\|?>",
    r"\[/?(?:INST|SYS|SYSTEM)\]|<</?SYS>>",
    r"</?(?:system|assistant|instructions?|foreign|tool_result|function_results?)\b[^<>]{0,60}>",
)
_CALLS = _words(
    r"<(?:tool_call|function_call|tool_use|invoke|parameter)\b",
    r"\{\s*\"(?:tool|tool_name|function|name|recipient_name)\"\s*:\s*\"[\w.]{2,60}\"\s*,\s*\"(?:arguments|parameters|input|args)\"\s*:",
    r"\b(?:call|use|invoke|run|execute|rufe|nutze)\s{1,3}(?:the\s{1,3})?(?:tool|function|werkzeug|funktion)\s{1,3}`?[a-z]+_[a-z_]+",
)
_PERSONAS = _words(
    r"\byou are now\b[^.\n]{0,60}\b(?:assistant|agent|ai|bot|mode|admin\w*|developer)\b",
    r"\b(?:act|behave|respond) as (?:if you (?:were|are)|an?)\b[^.\n]{0,40}\b(?:unrestricted|admin\w*|root|developer|jailbroken)\b",
    r"\b(?:new|updated|real|actual) (?:system )?instructions?\s*[:\-]",
    r"\bneue (?:system)?anweisung(?:en)?\s*[:\-]",
    r"\b(?:do not|don't|never) (?:tell|inform|show|ask|involve|mention (?:this )?to) (?:the |any |a )?(?:user|human|reviewer|operator|colleagues?|supervisor)\b",
    r"\b(?:already|pre-?)\s?(?:approved|authori[sz]ed) by (?:the )?(?:admin\w*|system|management|ceo|cfo)\b",
    r"\b(?:developer|debug|god|dan|maintenance|admin) mode\b",
    r"\bdu bist (?:jetzt|nun|ab sofort)\b[^.\n]{0,60}\b(?:assistent|agent|ki|bot|admin\w*)\b",
    r"\b(?:note|message|notice|attention|hinweis|nachricht|achtung)\b[^.\n]{0,12}\b(?:to|for|an|für)\b[^.\n]{0,8}\b(?:the ai|ai|llm|language model|chatbot|die ki|ki|assistant|agent)\b",
)

PHRASES = {
    "gives orders to a model": _ORDERS,
    "imitates the frame of a conversation": re.compile(_ROLES.pattern, re.IGNORECASE | re.MULTILINE),
    "imitates a tool call": _CALLS,
    "speaks to a model": _PERSONAS,
}
MAX_PHRASE = 120


def phrases_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield (what it does, the words) for each kind of order found, the first of each kind."""
    for what, pattern in PHRASES.items():
        found = pattern.search(text)
        if found:
            yield what, found[0].strip()[:MAX_PHRASE]
