"""Getting the API document that a package names by its address, through the guarded client."""

from agents.tools.base import ToolError
from integrations.http import OutboundClient, Outgoing
from integrations.package.problems import BadPackage, Problem
from integrations.package.reading import MAX_FILE_BYTES

DEADLINE_S = 20.0


def fetch(address: str) -> bytes:
    """Return the bytes at an address. Raises BadPackage with what to do; redirects are not followed."""
    client = OutboundClient(max_bytes=MAX_FILE_BYTES)
    try:
        answer = client.send(Outgoing("GET", address), deadline_s=DEADLINE_S, fresh=True)
    except ToolError as error:
        raise BadPackage(
            [Problem(error.message, "Correct the address, or save the document beside the file.")]
        ) from None
    finally:
        client.close()
    if answer.status != 200 or answer.problem:
        raise BadPackage([Problem(f"The address answered {answer.status}{_because(answer.problem)}.")])
    return answer.body


def _because(problem: str) -> str:
    return f": {problem}" if problem else ""
