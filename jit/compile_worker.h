// What a program may lend the engine to compile with beside the thread that executes: another thread.
#pragma once

namespace ashlar::jit {

class CompileJob {
public:
    virtual void run() = 0;

protected:
    ~CompileJob() = default;
};

// Of one engine. Used by the thread that executes.
class CompileWorker {
public:
    // Has job.run() called once more, soon, by the worker's thread; several calls before it begins count as
    // one. What happened before this call has happened before run().
    virtual void start(CompileJob& job) = 0;
    // Returns when run() has returned for every call of start(), and what it has done has happened.
    virtual void wait() = 0;

protected:
    ~CompileWorker() = default;
};

} // namespace ashlar::jit
