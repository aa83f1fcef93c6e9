// A byte-code interpreter with a switch: an indirect jump every few instructions.
#include "kernel.h"

const char kernel_name[] = "interp";
const uint64_t kernel_default_repeat = 120;

typedef enum {
    kPush,
    kLoad,
    kStore,
    kAdd,
    kSub,
    kMul,
    kAnd,
    kXor,
    kShiftRight,
    kLess,
    kJump,
    kJumpIfZero,
    kFetch,
    kPut,
    kHalt
} Opcode;

typedef struct {
    uint8_t opcode;
    int32_t operand;
} Instruction;

enum { kLimit = 4000, kI, kJ, kSum };

// Sieve of Eratosthenes, then Collatz lengths of the primes found.
static const Instruction program[] = {
    /*  0 */ {kPush, 2},  {kStore, 0},
    /*  2 */ {kLoad, 0},  {kPush, kLimit},   {kLess, 0},        {kJumpIfZero, 43},
    /*  6 */ {kLoad, 0},  {kFetch, 0},       {kJumpIfZero, 10}, {kJump, 38},
    /* 10 */ {kLoad, 0},  {kLoad, 0},        {kAdd, 0},         {kStore, 1},
    /* 14 */ {kLoad, 1},  {kPush, kLimit},   {kLess, 0},        {kJumpIfZero, 25},
    /* 18 */ {kPush, 1},  {kLoad, 1},        {kPut, 0},
    /* 21 */ {kLoad, 1},  {kLoad, 0},        {kAdd, 0},         {kJump, 44},
    /* 25 */ {kLoad, 0},  {kStore, 1},
    /* 27 */ {kLoad, 1},  {kPush, 1},        {kSub, 0},         {kJumpIfZero, 38},
    /* 31 */ {kLoad, 2},  {kPush, 1},        {kAdd, 0},         {kStore, 2},
    /* 35 */ {kLoad, 1},  {kPush, 1},        {kJump, 46},
    /* 38 */ {kLoad, 0},  {kPush, 1},        {kAdd, 0},         {kStore, 0},
    /* 42 */ {kJump, 2},
    /* 43 */ {kHalt, 0},
    /* 44 */ {kStore, 1}, {kJump, 14},
    /* 46 */ {kAnd, 0},   {kJumpIfZero, 54},
    /* 48 */ {kLoad, 1},  {kPush, 3},        {kMul, 0},         {kPush, 1},        {kAdd, 0},
    {kJump, 57},
    /* 54 */ {kLoad, 1},  {kPush, 1},        {kShiftRight, 0},
    /* 57 */ {kStore, 1}, {kLoad, 2},        {kLoad, 1},        {kXor, 0},         {kStore, 3},
    {kJump, 27},
};

static uint8_t cells[kLimit];

static NOINLINE uint64_t interpret(const Instruction* code) {
    int64_t stack[16], variables[4] = {0};
    int64_t* top = stack; // one past the last
    const Instruction* next = code;
    uint64_t steps = 0;
    for (;;) {
        const Instruction* now = next++;
        ++steps;
        switch ((Opcode)now->opcode) {
        case kPush: *top++ = now->operand; break;
        case kLoad: *top++ = variables[now->operand]; break;
        case kStore: variables[now->operand] = *--top; break;
        case kAdd:
            --top;
            top[-1] += top[0];
            break;
        case kSub:
            --top;
            top[-1] -= top[0];
            break;
        case kMul:
            --top;
            top[-1] *= top[0];
            break;
        case kAnd:
            --top;
            top[-1] &= top[0];
            break;
        case kXor:
            --top;
            top[-1] ^= top[0];
            break;
        case kShiftRight:
            --top;
            top[-1] >>= top[0];
            break;
        case kLess:
            --top;
            top[-1] = top[-1] < top[0];
            break;
        case kJump: next = code + now->operand; break;
        case kJumpIfZero:
            if (*--top == 0)
                next = code + now->operand;
            break;
        case kFetch: top[-1] = cells[top[-1]]; break;
        case kPut:
            top -= 2;
            cells[top[1]] = (uint8_t)top[0];
            break;
        case kHalt: return mix(mix(steps, (uint64_t)variables[2]), (uint64_t)variables[3]);
        }
    }
}

uint64_t kernel_run(uint64_t repeat) {
    uint64_t checksum = 1;
    for (uint64_t i = 0; i < repeat; ++i) {
        memset(cells, 0, sizeof cells);
        checksum = mix(checksum, interpret(program));
    }
    return checksum;
}
