// SPDX-License-Identifier: Apache-2.0
#include "app/cli/interrupt.h"

#include <semaphore.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "app/cli/streams.h"
#include "inference/base/exceptions.h"

namespace mneme::cli {
namespace {

// Whoever stops longer than this waits for a drive.
constexpr auto kLongStop = std::chrono::seconds(1);

std::atomic<bool> g_interrupted = false;  // set by the signal handler
std::atomic<bool> g_stopped = false;
sem_t g_pressed;

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

void watch() {
  for (;;) {
    if (::sem_wait(&g_pressed) != 0) continue;  // EINTR
    std::this_thread::sleep_for(kLongStop);
    if (!g_interrupted) continue;
    WaitReason& reason = wait_reason();
    const std::lock_guard lock(reason.mutex);
    const std::string text = reason.text ? reason.text() : std::string();
    print_err("{}: waiting for {} before it can end; Ctrl+C again ends it at once\n",
              program_name(), text.empty() ? "a read or write that the system has not answered" : text);
  }
}

}  // namespace

const std::atomic<bool>* catch_interrupt() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::sem_init(&g_pressed, 0, 0);
    // Where there is no thread for it, nothing is said of a long wait.
    if (auto thread = start_thread("stop notice", watch)) thread->detach();
  });
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // no SA_RESTART: a read at the prompt ends too
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);  // whoever asks for the end gets a clean one
  return &g_interrupted;
}

const std::atomic<bool>* interrupt_flag() {
  return &g_interrupted;
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
