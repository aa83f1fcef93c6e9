#include "jit/hosted/compile_thread.h"

#include <csignal>

namespace ashlar::jit::hosted {

std::unique_ptr<CompileThread> CompileThread::create() {
    std::unique_ptr<CompileThread> created(new CompileThread);
    // Signals are for the thread that executes: they end its sleep.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(&created->thread_, nullptr, main, created.get());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failure != 0)
        return nullptr;
    created->begun_ = true;
    pthread_setname_np(created->thread_, "compile");
    return created;
}

CompileThread::~CompileThread() {
    if (!begun_)
        return;
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    work_.notify_one();
    pthread_join(thread_, nullptr);
}

void CompileThread::start(CompileJob& job) {
    {
        const std::lock_guard lock(mutex_);
        job_ = &job;
    }
    work_.notify_one();
}

void CompileThread::wait() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return job_ == nullptr && !running_; });
}

void* CompileThread::main(void* self) {
    static_cast<CompileThread*>(self)->serve();
    return nullptr;
}

void CompileThread::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        work_.wait(lock, [&] { return job_ != nullptr || ends_; });
        if (ends_)
            return;
        CompileJob& job = *job_;
        job_ = nullptr;
        running_ = true;
        lock.unlock();
        job.run();
        lock.lock();
        running_ = false;
        if (job_ == nullptr)
            idle_.notify_all();
    }
}

} // namespace ashlar::jit::hosted
