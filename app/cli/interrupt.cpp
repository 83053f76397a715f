// SPDX-License-Identifier: Apache-2.0
#include "app/cli/interrupt.h"

#include <pthread.h>
#include <semaphore.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "app/cli/streams.h"
#include "base/exceptions.h"

namespace mneme::cli {
namespace {

// Whoever stops longer than this waits for a drive.
constexpr auto kLongStop = std::chrono::seconds(1);

std::atomic<bool> g_interrupted = false;  // set by the signal handler
std::atomic<bool> g_stopped = false;
sem_t g_pressed;
pthread_t g_command;  // the thread that runs the command

struct WaitReason {
  std::mutex mutex;
  std::function<std::string()> text;
};

WaitReason& wait_reason() {
  static auto* reason =
      new WaitReason;  // never destroyed: the watching thread ends with the program
  return *reason;
}

void on_interrupt(int) {
  if (g_interrupted.exchange(true)) std::_Exit(kInterrupted);
  ::sem_post(&g_pressed);
}

void wake(int) {}

void watch() {
  for (;;) {
    if (::sem_wait(&g_pressed) != 0) continue;  // EINTR
    pthread_kill(g_command, SIGURG);            // a read at the prompt ends
    std::this_thread::sleep_for(kLongStop);
    if (!g_interrupted) continue;
    WaitReason& reason = wait_reason();
    const std::lock_guard lock(reason.mutex);
    const std::string text = reason.text ? reason.text() : std::string();
    print_err("{}: waiting for {} before it can end; Ctrl+C again ends it at once\n",
              program_name(),
              text.empty() ? "a read or write that the system has not answered" : text);
  }
}

}  // namespace

const std::atomic<bool>* interrupt_flag() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::sem_init(&g_pressed, 0, 0);
    g_command = pthread_self();
    struct sigaction action {};  // no SA_RESTART: a read at the prompt ends
    action.sa_handler = wake;
    ::sigaction(SIGURG, &action, nullptr);
    action.sa_handler = on_interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);  // whoever asks for the end gets a clean one
    // A thread that waits for a drive runs no handler before the drive answers. So both signals are
    // left to the one thread that waits for nothing else; without it they stay where they are, and
    // nothing is said of a long wait.
    auto thread = start_thread("stop notice", watch);
    if (!thread) return;
    thread->detach();
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &both, nullptr);  // also in the threads that this one starts
  });
  return &g_interrupted;
}

Status check_interrupt() {
  if (!*interrupt_flag()) return {};
  return Error{ErrorCode::cancelled, "stopped"};
}

bool was_interrupted() {
  return g_interrupted.load();
}

void clear_interrupt() {
  g_interrupted = g_stopped.load();
}

void set_wait_reason(std::function<std::string()> reason) {
  WaitReason& now = wait_reason();
  const std::lock_guard lock(now.mutex);
  now.text = std::move(reason);
}

void stop_command() {
  g_stopped = true;
  g_interrupted = true;
}

}  // namespace mneme::cli
