// A thread that compiles for an engine.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <pthread.h>

#include "jit/compile_worker.h"

namespace ashlar::jit::hosted {

class CompileThread final : public CompileWorker {
public:
    // Nullptr when the system has no thread for it.
    static std::unique_ptr<CompileThread> create();
    CompileThread(const CompileThread&) = delete;
    CompileThread& operator=(const CompileThread&) = delete;
    ~CompileThread();

    void start(CompileJob& job) override;
    void wait() override;

private:
    CompileThread() = default;
    static void* main(void* self);
    void serve();

    pthread_t thread_{};
    bool begun_ = false;
    std::mutex mutex_;
    std::condition_variable work_, idle_;
    CompileJob* job_ = nullptr; // to be begun
    bool running_ = false, ends_ = false;
};

} // namespace ashlar::jit::hosted
