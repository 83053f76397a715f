// SPDX-License-Identifier: Apache-2.0
#include "base/exceptions.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace mneme {
namespace {

TEST(Exceptions, BecomeErrorsWithASentence) {
  const auto memory = without_exceptions([]() -> Result<int> { throw std::bad_alloc(); });
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, ErrorCode::out_of_memory);
  EXPECT_TRUE(memory.error().message.starts_with("the system gives this program no more memory"))
      << memory.error().message;
  const auto threads = without_exceptions([]() -> Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  ASSERT_FALSE(threads);
  EXPECT_TRUE(threads.error().message.starts_with("the system gives this program no more threads"))
      << threads.error().message;
  const auto other = without_exceptions([]() -> Status { throw std::out_of_range("at 7"); });
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("at 7"), std::string::npos);
  EXPECT_EQ(*without_exceptions([]() -> Result<int> { return 3; }), 3);
}

TEST(Exceptions, AThreadStarts) {
  bool ran = false;
  auto thread = start_thread("a name that is too long", [&] { ran = true; });
  ASSERT_TRUE(thread);
  thread->join();
  EXPECT_TRUE(ran);
}

// On any thread, where nothing catches it.
TEST(ExceptionsDeathTest, EndTheProgramWithASentenceAndExitCode1) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        end_with_a_sentence("program");
        std::thread([] { throw std::bad_alloc(); }).join();
      },
      ::testing::ExitedWithCode(1), "^program: the system gives this program no more memory.*\n$");
}

}  // namespace
}  // namespace mneme
