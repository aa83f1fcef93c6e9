# Floating point beyond what the CPU stressor does.
for work in "fp 20" "fma 20000" "trig 200" "vecfp 30" "matrix 1000" "fractal 5" "vecmath 500"; do
    sh checks/stress --${work% *} 1 --${work% *}-ops ${work#* } || exit 1
done
