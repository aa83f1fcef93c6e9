# Signals, faults, system calls, locks and threads.
for work in "atomic 300" "context 300" "futex 2000" "malloc 20000" "mprotect 5000" "mmap 10" "pipe 200" "signal 50000" \
            "sigfpe 20000" "sigsegv 20000" "sigtrap 20000" "switch 20000" "timer 3000" "vma 200" "stack 100"; do
    sh checks/stress --${work% *} 1 --${work% *}-ops ${work#* } || exit 1
done
