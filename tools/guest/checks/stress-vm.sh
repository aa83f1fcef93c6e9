# Patterns in memory by every method.
exec sh checks/stress --vm 1 --vm-bytes 8M --vm-method all --vm-ops 30000
