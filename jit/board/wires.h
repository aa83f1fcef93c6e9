// What devices drive: interrupt wires, the harts' interrupt inputs, and the machine's power.
#pragma once

#include "jit/frontend/riscv64/state.h"

namespace ashlar::jit::board {

// Where devices' interrupt wires end.
class InterruptController {
public:
    // The level of the wire of `source`; repeating a level is fine.
    virtual void set_source(unsigned source, bool level) = 0;

protected:
    ~InterruptController() = default;
};

// One device's wire into a controller.
class InterruptWire {
public:
    InterruptWire(InterruptController& controller, unsigned source)
        : controller_(&controller), source_(source) {}
    void set(bool level) {
        if (level != level_)
            controller_->set_source(source_, level);
        level_ = level;
    }

private:
    InterruptController* controller_;
    unsigned source_;
    bool level_ = false;
};

// The interrupt inputs of the harts.
class HartInterrupts {
public:
    // Sets or clears the line of hart `hart`, which exists.
    virtual void set_interrupt(unsigned hart, riscv64::Interrupt line, bool level) = 0;

protected:
    ~HartInterrupts() = default;
};

// Power off and reset, as the guest asks for them. They take effect when the hart's slice ends; the first
// request counts.
class PowerSwitch {
public:
    // `code` is the exit status: 0 is success.
    virtual void power_off(int code) = 0;
    virtual void reset() = 0;

protected:
    ~PowerSwitch() = default;
};

} // namespace ashlar::jit::board
