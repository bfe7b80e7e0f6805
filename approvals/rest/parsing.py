"""The body of a call, through the one bounded JSON reader of the product."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from approvals.rest.errors import ApiError
from config.bounded_json import BadJson, loads


class BoundedJsonParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            return loads(stream.read(limit + 1), max_bytes=limit)
        except BadJson as error:
            status = 413 if error.code == "size" else 400
            raise ApiError(status, "BAD_JSON", error.message, problem=error.code) from None
