# Every method of the CPU stressor; many check their result, and many are floating point.
exec sh checks/stress --cpu 1 --cpu-method all --cpu-ops 1000
