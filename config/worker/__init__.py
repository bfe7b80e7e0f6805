"""What runs in a worker process: RQ's worker in the main thread hears the doorbell, a driver thread claims due work."""
