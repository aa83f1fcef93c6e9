# Processes that come and go.
exec sh checks/stress --fork 1 --fork-ops 4000
