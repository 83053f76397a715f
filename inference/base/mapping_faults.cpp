// SPDX-License-Identifier: Apache-2.0
#include "base/mapping_faults.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

#include "base/check.h"

namespace mneme {

// A place in the list that the signal handler goes through.
struct WatchedMapping::Entry {
  std::atomic<std::uintptr_t> begin = 0;
  std::atomic<std::size_t> bytes = 0;  // 0 = free
  std::atomic<bool> faulted = false;
  Entry* next = nullptr;  // never changes
};

namespace {

using Entry = WatchedMapping::Entry;

// Entries are only ever added, so that the handler can go through them without a lock.
std::atomic<Entry*> g_first = nullptr;
std::mutex g_mutex;         // of who takes and gives back entries
struct sigaction g_before;  // what SIGBUS did; written once, before the handler is there
std::uintptr_t g_page = 0;  // bytes; likewise

// Only what is allowed in a signal handler: atomics, and the system call itself, since mmap() of a
// sanitizer is more than that.
bool put_zeros_there(std::uintptr_t address) {
  for (Entry* entry = g_first.load(std::memory_order_acquire); entry != nullptr;
       entry = entry->next) {
    const std::size_t bytes = entry->bytes.load(std::memory_order_acquire);
    const std::uintptr_t begin = entry->begin.load(std::memory_order_relaxed);
    if (address < begin || address - begin >= bytes) continue;
    entry->faulted.store(true, std::memory_order_release);
    const std::uintptr_t page = address / g_page * g_page;
    const long result = ::syscall(SYS_mmap, page, begin + bytes - page, PROT_READ,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0L);
    return result >= 0 || result < -4095;  // an address, not an error number
  }
  return false;
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int before_errno = errno;
  const bool mended = info->si_code > 0 &&  // from the kernel, not from kill()
                      put_zeros_there(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = before_errno;
  if (mended) return;
  if ((g_before.sa_flags & SA_SIGINFO) != 0) {
    g_before.sa_sigaction(signal, info, context);
  } else if (g_before.sa_handler != SIG_DFL && g_before.sa_handler != SIG_IGN) {
    g_before.sa_handler(signal);
  } else {
    ::sigaction(signal, &g_before, nullptr);
    ::raise(signal);  // comes when this handler returns
  }
}

void install() {
  g_page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  CHECK(::sigaction(SIGBUS, nullptr, &g_before) == 0);
  CHECK(::sigaction(SIGBUS, &action, nullptr) == 0);
}

Entry* take_entry() {
  for (Entry* entry = g_first.load(); entry != nullptr; entry = entry->next) {
    if (entry->bytes.load() == 0) return entry;
  }
  auto* const entry = new Entry;
  entry->next = g_first.load();
  g_first.store(entry, std::memory_order_release);
  return entry;
}

}  // namespace

WatchedMapping::WatchedMapping(const void* begin, std::size_t bytes) {
  CHECK(bytes > 0);
  const std::lock_guard lock(g_mutex);
  static std::once_flag installed;
  std::call_once(installed, install);
  entry_ = take_entry();
  entry_->faulted = false;
  entry_->begin = reinterpret_cast<std::uintptr_t>(begin);
  entry_->bytes.store(bytes, std::memory_order_release);
}

WatchedMapping::~WatchedMapping() {
  const std::lock_guard lock(g_mutex);
  entry_->bytes = 0;
}

bool WatchedMapping::faulted() const {
  return entry_->faulted.load(std::memory_order_acquire);
}

}  // namespace mneme
