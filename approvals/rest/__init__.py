"""What every call of the REST API shares: who asks, what may be asked, one shape of error, pages, once only."""
