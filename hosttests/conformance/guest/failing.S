#include "conformance.h"
main:
    CASE(2, a0, 1, li a0, 1)
    CASE(3, a0, 2, li a0, 1)     // fails on purpose
    j pass
