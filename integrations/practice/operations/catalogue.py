"""Every operation of the practice company's API, by its id."""

from collections.abc import Mapping

from integrations.practice.operations import desk, intake, orders, refunds, sales, stock
from integrations.practice.operations.base import Operation

OPERATIONS: Mapping[str, Operation] = {
    operation.id: operation
    for module in (orders, stock, intake, refunds, desk, sales)
    for operation in module.OPERATIONS
}
