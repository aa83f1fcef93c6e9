// The interpreter's tests, on compiled code.
#define ASHLAR_TEST_NATIVE 1
#include "hosttests/interpreter/run_test.cpp"
