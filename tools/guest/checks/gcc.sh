# Compiles C programs and runs them; the compiler's own output must be the same everywhere too.
set -e
gcc --version | head -1
for level in -O0 -O2 -O3; do
    gcc -std=gnu17 $level -S checks/program.c -o program.s
    sha256sum < program.s
    gcc -std=gnu17 $level checks/program.c -o program -lm -pthread
    ./program
done
python3 - > many.c <<'EOF'
for i in range(300):
    print(f"double f{i}(double x, int n) {{ double s = {i}.5; for (int k = 0; k < n; ++k) "
          f"s = s * x + (k % {i + 2} ? s / (k + {i + 1}) : {i}); return s; }}")
print("double many(void) { return " + " + ".join(f"f{i}(0.25, {i % 17})" for i in range(300)) + "; }")
EOF
gcc -O2 -c many.c -o many.o
objcopy -O binary -j .text many.o many.text
sha256sum < many.text
rm program program.s many.*
