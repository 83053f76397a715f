// SPDX-License-Identifier: Apache-2.0
#include "base/exceptions.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

namespace mneme {
namespace {

const char* g_program = "";

struct Sentence {
  ErrorCode code = ErrorCode::out_of_memory;
  std::array<char, 400> text{};
};

// Of the exception that is being handled. Takes no memory: there may be none.
Sentence describe() {
  Sentence out;
  const auto no_more = [&](const char* of_what) {
    rlimit limit{};
    std::array<char, 100> where{};
    if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      std::snprintf(where.data(), where.size(),
                    " (its address space is limited to %llu MiB, see ulimit -v)",
                    static_cast<unsigned long long>(limit.rlim_cur >> 20));
    }
    std::snprintf(out.text.data(), out.text.size(),
                  "the system gives this program no more %s%s: close other programs, raise the "
                  "limit, or choose a smaller model, a smaller context or fewer threads",
                  of_what, where.data());
  };
  try {
    throw;
  } catch (const std::bad_alloc&) {
    no_more("memory");
  } catch (const std::system_error& error) {
    if (error.code().value() == EAGAIN || error.code().value() == ENOMEM) {
      no_more("threads");
    } else {
      out.code = ErrorCode::io;
      std::snprintf(out.text.data(), out.text.size(), "the system refused: %s", error.what());
    }
  } catch (const std::exception& error) {
    out.code = ErrorCode::invalid;
    std::snprintf(out.text.data(), out.text.size(), "this is a fault of the program itself: %s",
                  error.what());
  } catch (...) {
    out.code = ErrorCode::invalid;
    std::snprintf(out.text.data(), out.text.size(), "this is a fault of the program itself");
  }
  return out;
}

[[noreturn]] void on_terminate() {
  // Without an exception something else is wrong: the abort shows where.
  if (!std::current_exception()) std::abort();
  const Sentence sentence = describe();
  std::array<char, 500> line{};
  const int length =
      std::snprintf(line.data(), line.size(), "%s: %s\n", g_program, sentence.text.data());
  if (length > 0) {
    static_cast<void>(!::write(STDERR_FILENO, line.data(), static_cast<std::size_t>(length)));
  }
  std::_Exit(1);
}

}  // namespace

Error caught_error() {
  const Sentence sentence = describe();
  return Error{sentence.code, sentence.text.data()};
}

void end_with_a_sentence(const char* program) {
  g_program = program;
  std::set_terminate(on_terminate);
}

void detail::name_thread(std::thread& thread, const char* name) {
  std::array<char, 16> short_name{};
  std::strncpy(short_name.data(), name, short_name.size() - 1);
  pthread_setname_np(thread.native_handle(), short_name.data());
}

}  // namespace mneme
