# A loop, regular expressions, floating point, big integers and containers.
python3 - <<'EOF'
import hashlib, json, math, re, struct, zlib

total = 0
for i in range(3_000_000):
    total = (total * 31 + (i ^ (i >> 3))) & 0xFFFFFFFF
print("loop", total)

text = open("/tmp/text", encoding="ascii").read(4_000_000)
words = re.findall(r"(?:seven )+(\d+)(?=\s)|thousand (\d{2,4})\b", text)
print("findall", len(words), sum(int(a or b) for a, b in words))
changed, count = re.subn(r"(\d)(\d)(?P<rest>\d*)\n", lambda m: m["rest"] + m[2] + m[1] + ";", text[:1_000_000])
print("subn", count, zlib.crc32(changed.encode()))
print("backtracking", re.fullmatch(r"(a+)+b", "a" * 20 + "c"))

value = 0.0
for i in range(1, 300_000):
    value += math.sin(i) * math.sqrt(i) / math.log(i + 1.5)
print("float", repr(value), value.hex(), math.fsum([0.1] * 1000), math.gamma(7.25), math.erf(0.3))
print("pack", struct.pack("<dfe", math.pi, math.e, 1 / 3).hex(), float("1e-310"), 5e-324 * 3, math.nextafter(1, 2))
print("divmod", divmod(-7.5, 2), -7 // 2, round(2.5), f"{1 / 3:.30f}", complex(1, 2) ** 0.5)
print("power", hashlib.sha256(str(3 ** 6000 // 7 ** 200).encode()).hexdigest(), pow(3, 10 ** 30, 10 ** 40 + 7))

table = {f"key{i * 7919 % 100003}": [i, i / 7] for i in range(100_000)}
dumped = json.dumps(table, sort_keys=True)
print("json", hashlib.sha256(dumped.encode()).hexdigest(), json.loads(dumped) == table)
print("sorted", sum(i * x for i, x in enumerate(sorted((x * 7919 % 100003 for x in range(100_000)), key=lambda x: -x))))

def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
print("fibonacci", fibonacci(24))
try:
    def deep(n): return 1 + deep(n + 1)
    deep(0)
except RecursionError:
    print("recursion stopped")
EOF
