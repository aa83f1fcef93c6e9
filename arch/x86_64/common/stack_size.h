// Sizes of the stacks in bytes, for assembly and C++.
#pragma once

#define STACK_GUARD_SIZE 4096
#define MAIN_STACK_SIZE 131072
#define INTERRUPT_STACK_SIZE 16384
