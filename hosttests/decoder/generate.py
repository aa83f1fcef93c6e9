#!/usr/bin/env python3
"""Writes what GNU as and objdump say about RV64GC + Zba, Zbb, Zbs encodings, for the decoder's test to compare with.

Usage: generate.py OUTPUT_DIRECTORY

forms.txt       every instruction form with corner operands:   address bits text
compressed.txt  all 49,152 16-bit encodings:                   address bits text expansion
words.txt       random 32-bit words, biased to legal ones:     address bits text

Fields are separated by '|'. `text` is objdump's in its "no-aliases,numeric" style, with a space for the tab, or empty
when it knows no such instruction. `expansion` is the encoding of the instruction that a compressed one stands for.
"""
import os
import random
import re
import subprocess
import sys
import tempfile

MARCH = "rv64gc_zba_zbb_zbs"
PREFIX = os.environ.get("RISCV64_PREFIX", "riscv64-linux-gnu-")
LINE = re.compile(r"^\s*([0-9a-f]+):\t([0-9a-f]+)\s*\t(.*)$")


def assemble(source):
    """Assembles and disassembles; returns [(address, bits, text)]."""
    with tempfile.TemporaryDirectory() as directory:
        assembly, unit = os.path.join(directory, "x.s"), os.path.join(directory, "x.o")
        with open(assembly, "w") as file:
            file.write(".text\n" + source)
        subprocess.run([PREFIX + "as", "-march=" + MARCH, "-march-attr",
                        "-o", unit, assembly], check=True)
        listing = subprocess.run([PREFIX + "objdump", "-d", "-z", "-M", "no-aliases,numeric", unit], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
    result = []
    for line in listing.splitlines():
        match = LINE.match(line)
        if match:
            text = re.sub(r"\s*(#.*|<.*>)", "", match[3]).strip().replace("\t", " ")
            if text.startswith((".", "unimp", "c.unimp")):
                text = ""
            result.append((int(match[1], 16), int(match[2], 16), text))
    return result


# ---------------------------------------------------------------- every form with corner operands
REGISTERS = ["x0", "x1", "x2", "x8", "x15", "x16", "x31"]
FLOATS = ["f0", "f1", "f8", "f15", "f16", "f31"]
IMMEDIATES = [0, 1, -1, 2047, -2048, 1365, -1366]
UPPER = [0, 1, 0xfffff, 0x80000, 0x7ffff, 0x55555]
SHIFTS = [0, 1, 31, 32, 63]
WORD_SHIFTS = [0, 1, 15, 16, 31]
BRANCHES = [0, 4, -4, 4094, -4096, 2, -2, 2048, 1364]
JUMPS = [0, 4, -4, 1048574, -1048576, 2, 2048, 4096, 524288, 349524]
ROUNDING = ["rne", "rtz", "rdn", "rup", "rmm", "dyn"]
CSRS = [0x001, 0x002, 0x003, 0x100, 0x180, 0x300, 0x341, 0x3a0, 0x3b0, 0xb00, 0xc00, 0xc01, 0xf14, 0x7c0, 0xfff, 0]


def cycle(values, count):
    return [values[i % len(values)] for i in range(count)]


def forms():
    three = "add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw mul mulh mulhsu mulhu div divu rem remu " \
            "mulw divw divuw remw remuw add.uw sh1add sh2add sh3add sh1add.uw sh2add.uw sh3add.uw andn orn xnor max maxu " \
            "min minu rol ror rolw rorw bset bclr binv bext".split()
    for name in three:
        for i, register in enumerate(REGISTERS):
            others = REGISTERS[i:] + REGISTERS[:i]
            yield f"{name} {register},{others[1]},{others[2]}"
            yield f"{name} {others[2]},{register},{others[1]}"
    for name in "clz ctz cpop sext.b sext.h zext.h clzw ctzw cpopw orc.b rev8".split():
        for a, b in zip(REGISTERS, reversed(REGISTERS)):
            yield f"{name} {a},{b}"
    for name in "addi slti sltiu xori ori andi addiw".split():
        for a, b, imm in zip(REGISTERS, reversed(REGISTERS), IMMEDIATES):
            yield f"{name} {a},{b},{imm}"
    for name in "slli srli srai rori bseti bclri binvi bexti slli.uw".split():
        for a, b, amount in zip(REGISTERS, reversed(REGISTERS), SHIFTS):
            yield f"{name} {a},{b},{amount}"
    for name in "slliw srliw sraiw roriw".split():
        for a, b, amount in zip(REGISTERS, reversed(REGISTERS), WORD_SHIFTS):
            yield f"{name} {a},{b},{amount}"
    for name in "lui auipc".split():
        for register, imm in zip(REGISTERS, UPPER):
            yield f"{name} {register},{imm}"
    for name in "lb lh lw ld lbu lhu lwu sb sh sw sd jalr".split():
        for a, b, imm in zip(REGISTERS, reversed(REGISTERS), IMMEDIATES):
            yield f"{name} {a},{imm}({b})"
    for name in "flw fld fsw fsd".split():
        for a, b, imm in zip(FLOATS, reversed(REGISTERS), IMMEDIATES):
            yield f"{name} {a},{imm}({b})"
    for name in "beq bne blt bge bltu bgeu".split():
        for a, b, offset in zip(cycle(REGISTERS, 9), cycle(REGISTERS[3:], 9), BRANCHES):
            yield f"{name} {a},{b},.{offset:+d}"
    for register, offset in zip(cycle(REGISTERS, 10), JUMPS):
        yield f"jal {register},.{offset:+d}"
    for name in "lr.w lr.d".split():
        for order in ("", ".aq", ".rl", ".aqrl"):
            yield f"{name}{order} x5,(x31)"
    for name in "sc amoswap amoadd amoxor amoand amoor amomin amomax amominu amomaxu".split():
        for width in ".w", ".d":
            for order, register in zip(("", ".aq", ".rl", ".aqrl"), REGISTERS):
                yield f"{name}{width}{order} {register},x17,(x30)"
    for width in ".s", ".d":
        for mode in ROUNDING:
            for name in "fadd fsub fmul fdiv".split():
                yield f"{name}{width} f1,f16,f31,{mode}"
            for name in "fmadd fmsub fnmsub fnmadd".split():
                yield f"{name}{width} f31,f8,f1,f15,{mode}"
            yield f"fsqrt{width} f15,f16,{mode}"
            for integer in "w", "wu", "l", "lu":
                yield f"fcvt.{integer}{width} x31,f30,{mode}"
                if width == ".s" or integer in ("l", "lu"):
                    yield f"fcvt{width}.{integer} f31,x30,{mode}"
        for name in "fsgnj fsgnjn fsgnjx fmin fmax".split():
            for a, b, c in zip(FLOATS, FLOATS[1:] + FLOATS, FLOATS[2:] + FLOATS):
                yield f"{name}{width} {a},{b},{c}"
        for name in "feq flt fle".split():
            yield f"{name}{width} x31,f8,f17"
        yield f"fclass{width} x16,f31"
    yield "fcvt.d.w f31,x30"
    yield "fcvt.d.wu f31,x30"
    yield "fcvt.d.s f1,f2"
    for mode in ROUNDING:
        yield f"fcvt.s.d f1,f2,{mode}"
    for text in "fmv.x.w x1,f31", "fmv.w.x f31,x1", "fmv.x.d x16,f15", "fmv.d.x f15,x16":
        yield text
    for number, register in zip(CSRS, cycle(REGISTERS, len(CSRS))):
        for name in "csrrw", "csrrs", "csrrc":
            yield f"{name} {register},{number:#x},x29"
        for name in "csrrwi", "csrrsi", "csrrci":
            yield f"{name} {register},{number:#x},{number & 31}"
    for predecessor in range(1, 16):
        sets = ["".join(letter for k, letter in enumerate("iorw") if s >> (3 - k) & 1)
                for s in (predecessor, 16 - predecessor)]
        yield f"fence {sets[0]},{sets[1]}"
    for text in "fence.i", "ecall", "ebreak", "mret", "sret", "wfi", "sfence.vma x0,x0", "sfence.vma x31,x1":
        yield text


def write_forms(path):
    lines = list(forms())
    listed = assemble(".option norelax\n.option norvc\n" + "\n".join(lines) + "\n")
    assert len(listed) == len(lines), (len(listed), len(lines))
    with open(path, "w") as file:
        for source, (address, bits, text) in zip(lines, listed):
            # objdump prints CSRs by name: the source has the number.
            file.write(f"{address:x}|{bits:08x}|{source if source.startswith('csr') else text}\n")


# ---------------------------------------------------------------- all compressed encodings
LOADS = "c.lw c.ld c.fld c.lwsp c.ldsp c.fldsp c.sw c.sd c.fsd c.swsp c.sdsp c.fsdsp".split()


def expansion(text):
    """The 32-bit instruction, as assembler source, for which a compressed one stands (chapter "C")."""
    name, _, rest = text.partition(" ")
    operands = rest.split(",") if rest else []
    short = name[2:]
    if name in LOADS:
        return f"{short.removesuffix('sp')} {rest}"
    if name == "c.nop":
        return "addi x0,x0," + (operands[0] if operands else "0")
    if name == "c.li":
        return f"addi {operands[0]},x0,{operands[1]}"
    if name == "c.lui":
        return f"lui {rest}"
    if name == "c.addi4spn":
        return f"addi {rest}"
    if name == "c.addi16sp":
        return f"addi x2,x2,{operands[1]}"
    if name == "c.mv":
        return f"add {operands[0]},x0,{operands[1]}"
    if name == "c.jr":
        return f"jalr x0,0({rest})"
    if name == "c.jalr":
        return f"jalr x1,0({rest})"
    if name == "c.ebreak":
        return "ebreak"
    if name in ("c.slli64", "c.srli64", "c.srai64"):
        return f"{short.removesuffix('64')} {operands[0]},{operands[0]},0"
    return f"{short} {operands[0]},{operands[0]},{operands[1]}"


def jump_expansion(address, text):
    name, _, rest = text.partition(" ")
    operands = rest.split(",")
    offset = int(operands[-1], 16) - address
    offset -= 1 << 64 if offset >= 1 << 63 else 0
    return f"jal x0,.{offset:+d}" if name == "c.j" else f"{name[2:-1]} {operands[0]},x0,.{offset:+d}"


def write_compressed(path):
    encodings = [bits for bits in range(65536) if bits & 3 != 3]
    listed = assemble("\n".join(f".insn 2, {bits:#x}" for bits in encodings) + "\n")
    assert [bits for _, bits, _ in listed] == encodings
    legal = [(address, text) for address, _, text in listed if text]
    expanded = iter(assemble(".option norvc\n" + "\n".join(
        jump_expansion(address, text) if text.split()[0] in ("c.j", "c.beqz", "c.bnez") else expansion(text)
        for address, text in legal) + "\n"))
    with open(path, "w") as file:
        for address, bits, text in listed:
            file.write(f"{address:x}|{bits:04x}|{text}|{f'{next(expanded)[1]:08x}' if text else ''}\n")


# ---------------------------------------------------------------- random words
MAJORS = [0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x63,
          0x67, 0x6f, 0x73]


def write_words(path, count=60000):
    generator = random.Random(20)
    known = [bits for _, bits, _ in assemble(".option norvc\n" + "\n".join(forms()) + "\n")]
    words = []
    for i in range(count):
        kind = i % 3
        if kind == 0:  # any major opcode
            word = generator.getrandbits(32) & ~0x7f | generator.choice(MAJORS)
        elif kind == 1:  # a legal one with up to three bits turned
            word = generator.choice(known)
            for _ in range(generator.randrange(4)):
                word ^= 1 << generator.randrange(2, 32)
        else:  # a legal one with other registers
            word = generator.choice(known) ^ generator.getrandbits(32) & 0x000f8f80
        words.append(word | 3)
    words = [word for word in words if word & 0x1f != 0x1f]  # longer formats
    listed = assemble("\n".join(f".insn {word:#x}" for word in words) + "\n")
    assert [bits for _, bits, _ in listed] == words
    with open(path, "w") as file:
        for address, bits, text in listed:
            file.write(f"{address:x}|{bits:08x}|{text}\n")


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    write_forms(os.path.join(directory, "forms.txt"))
    write_compressed(os.path.join(directory, "compressed.txt"))
    write_words(os.path.join(directory, "words.txt"))


if __name__ == "__main__":
    main()
