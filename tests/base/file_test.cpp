// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

constexpr std::size_t kPage = 4096;

class FileTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = folder_.file(name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  const TemporaryFolder folder_;
};

bool all_are(std::span<const std::byte> bytes, char value) {
  return std::ranges::all_of(bytes, [&](std::byte b) { return b == std::byte(value); });
}

// Each of them would be waited for, read without end, or not be understood.
TEST_F(FileTest, OnlyRegularFilesAreOpenedAndNoneIsWaitedFor) {
  const std::string fifo = folder_.file("fifo"), socket = folder_.file("socket");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (const std::string& path :
       {fifo, socket, folder_.path(), std::string("/dev/null"), std::string("/dev/zero")}) {
    const std::string sentence = path + " is not a regular file";
    const auto file = File::open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().message, sentence);
    const auto mapped = MappedFile::open(path);
    ASSERT_FALSE(mapped) << path;
    EXPECT_EQ(mapped.error().message, sentence);
    for (const int flags : {O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT}) {
      const auto opened = open_regular_file(path, flags, 0600);
      ASSERT_FALSE(opened) << path;
      EXPECT_EQ(opened.error().code, ErrorCode::io);
      // Of a folder the system says so by itself.
      if (path != folder_.path()) {
        EXPECT_EQ(opened.error().message, sentence);
      }
    }
  }
  ::close(listener);
}

TEST_F(FileTest, AnOpenedFileWaitsForItsDriveAsUsual) {
  auto fd = open_regular_file(folder_.file("new"), O_WRONLY | O_CREAT, 0600);
  ASSERT_TRUE(fd) << fd.error().message;
  EXPECT_EQ(::fcntl(*fd, F_GETFL) & O_NONBLOCK, 0);
  ::close(*fd);
}

TEST_F(FileTest, KnowsThatItWasWrittenTo) {
  const std::string path = write("file", std::string(100, 'a'));
  const auto file = File::open(path);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->unchanged());
  const std::string sentence = path + " was changed while it was open";
  // Times of files go on in steps: a write within one of them is told by the size alone.
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  ASSERT_FALSE(file->unchanged());
  EXPECT_EQ(file->unchanged().error().message, sentence);
  const auto again = File::open(path);
  ASSERT_TRUE(again);
  std::ofstream(path, std::ios::app) << "more";
  ASSERT_FALSE(again->unchanged());
  EXPECT_EQ(again->unchanged().error().message, sentence);
}

TEST_F(FileTest, AnotherFileInItsPlaceIsNoChangeOfIt) {
  const std::string path = write("file", "first");
  const auto file = File::open(path);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->is_at(path));
  std::filesystem::rename(write("other", "second"), path);
  EXPECT_TRUE(file->unchanged());
  EXPECT_FALSE(file->is_at(path));
}

TEST_F(FileTest, AMappingThatWasCutOffReadsAsZerosAndSaysSo) {
  const std::string path = write("file", std::string(8 * kPage, 'a'));
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped);
  const auto bytes = (*mapped)->bytes();
  EXPECT_TRUE(all_are(bytes, 'a'));
  EXPECT_TRUE((*mapped)->unchanged());
  std::filesystem::resize_file(path, 3 * kPage);
  EXPECT_TRUE(all_are(bytes.subspan(5 * kPage), '\0'));  // would be the end of the program
  EXPECT_TRUE(all_are(bytes.first(3 * kPage), 'a'));
  EXPECT_TRUE(all_are(bytes.subspan(3 * kPage), '\0'));
  const Status status = (*mapped)->unchanged();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, path + " was changed while it was open");
}

// What was read as zeros stays zeros, whatever becomes of the file.
TEST_F(FileTest, AMappingWithZerosNeverCountsAsUnchangedAgain) {
  const std::string path = write("file", std::string(2 * kPage, 'a'));
  const auto before = std::filesystem::last_write_time(path);
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped);
  std::filesystem::resize_file(path, 0);
  EXPECT_TRUE(all_are((*mapped)->bytes(), '\0'));
  std::ofstream(path, std::ios::binary) << std::string(2 * kPage, 'a');
  std::filesystem::last_write_time(path, before);
  EXPECT_TRUE(all_are((*mapped)->bytes(), '\0'));
  ASSERT_FALSE((*mapped)->unchanged());
  EXPECT_EQ((*mapped)->unchanged().error().message, path + " could not be read from its drive");
}

TEST_F(FileTest, ManyThreadsMayMeetTheEndOfACutOffMapping) {
  for (int round = 0; round < 20; ++round) {
    const std::string path = write("file", std::string(64 * kPage, 'a'));
    const auto mapped = MappedFile::open(path);
    const auto other = MappedFile::open(write("other", std::string(4 * kPage, 'b')));
    ASSERT_TRUE(mapped && other);
    std::filesystem::resize_file(path, 0);
    std::vector<std::thread> readers;
    for (std::size_t i = 0; i < 4; ++i) {
      readers.emplace_back([&, i] {
        for (std::size_t page = 0; page < 64; ++page) {
          const std::size_t at = (i % 2 == 0 ? page : 63 - page) * kPage;
          EXPECT_EQ((*mapped)->bytes()[at], std::byte{0});
        }
      });
    }
    for (std::thread& reader : readers) reader.join();
    EXPECT_FALSE((*mapped)->unchanged());
    EXPECT_TRUE(all_are((*other)->bytes(), 'b'));
    EXPECT_TRUE((*other)->unchanged());
  }
}

using FileDeathTest = FileTest;

// Nothing of ours: the program ends as it always did, and does not hang in its handler.
TEST_F(FileDeathTest, ABusErrorElsewhereStillEndsTheProgram) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto mapped = MappedFile::open(write("file", std::string(kPage, 'a')));
  ASSERT_TRUE(mapped);
  const auto fault = [&] {
    const std::string path = write("foreign", std::string(2 * kPage, 'a'));
    const auto file = File::open(path);
    CHECK(file.has_value());
    auto* const bytes = static_cast<const volatile char*>(
        ::mmap(nullptr, 2 * kPage, PROT_READ, MAP_SHARED, file->descriptor(), 0));
    std::filesystem::resize_file(path, 0);
    std::_Exit(bytes[kPage] == 0 ? 0 : 1);
  };
  EXPECT_DEATH(fault(), "");
  EXPECT_DEATH(::raise(SIGBUS), "");
}

}  // namespace
}  // namespace mneme
