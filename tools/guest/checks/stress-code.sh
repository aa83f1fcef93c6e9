# Code that changes, jumps far and wide, or is not allowed: what a translator has to get right.
for work in "icache 20" "flushcache 300" "far-branch 30" "opcode 100" "funccall 300" "goto 20000" "longjmp 200000" \
            "branch 20000" "nop 20000" "regs 20000" "priv-instr 2000" "rseq 200"; do
    sh checks/stress --${work% *} 1 --${work% *}-ops ${work#* } || exit 1
done
