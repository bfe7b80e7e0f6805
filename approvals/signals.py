"""What approvals announces to whoever stands above it, inside the transaction that makes it true.

request_settled: `request` (its new state stands in it; open again after an undo), `actor`, `now`.
halt_released: `halt` (released, or supervised from now on), `actor`, `now`.
"""

from django.dispatch import Signal

request_settled = Signal()
halt_released = Signal()
