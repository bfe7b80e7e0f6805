"""The one signal. Sent inside the transaction that settles a request (or takes the settling back),
with `request` (its new state stands in it), `actor` and `now`; the agents app moves action and run."""

from django.dispatch import Signal

request_settled = Signal()
