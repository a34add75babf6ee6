"""`make cluster`: the services of docker-compose.yaml as plain processes on loopback."""
