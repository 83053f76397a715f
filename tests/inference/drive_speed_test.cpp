// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/drive_speed.h"

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "inference/machine/row_cost.h"
#include "tests/support/refused_writes.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

const std::atomic<bool> kGoOn = false;

// The build folder lies on a drive, unless someone builds in RAM.
bool is_in_ram(const std::string& folder) {
  struct statfs info {};
  return ::statfs(folder.c_str(), &info) != 0 || info.f_type == TMPFS_MAGIC;
}

struct TestFolder {
  std::string path = std::filesystem::current_path() / "drive_speed_test";
  TestFolder() { std::filesystem::create_directories(path); }
  ~TestFolder() { std::filesystem::remove_all(path); }
};

TEST(DriveSpeed, IsMeasuredWithoutLeavingAnything) {
  const TestFolder folder;
  if (is_in_ram(folder.path)) GTEST_SKIP() << "the build folder lies in RAM";
  std::vector<std::string> seen;
  double last = 0;
  const auto speed = measure_drive(folder.path, kGoOn, [&](double done, std::string_view what) {
    EXPECT_GE(done, last);
    last = done;
    if (seen.empty() || seen.back() != what) seen.emplace_back(what);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path));  // so a kill leaves nothing
  });
  if (!speed && speed.error().code == ErrorCode::invalid) GTEST_SKIP() << speed.error().message;
  if (!speed && speed.error().code == ErrorCode::unsupported) {
    GTEST_SKIP() << speed.error().message;
  }
  ASSERT_TRUE(speed) << speed.error().message;
  EXPECT_EQ(last, 1);
  EXPECT_EQ(seen, (std::vector<std::string>{"writing", "large reads", "small reads",
                                            "one read at a time", "done"}));
  EXPECT_GT(speed->large_bytes_per_second, 0);
  EXPECT_GT(speed->small_reads_per_second, 0);
  EXPECT_GT(speed->small_read_us, 0);
  EXPECT_GE(speed->small_read_us_p99, speed->small_read_us);
  EXPECT_GE(speed->file_bytes, 1u << 20);
  EXPECT_LE(speed->file_bytes, 128u << 20);
}

TEST(DriveSpeed, StopsWhereverItIs) {
  const TestFolder folder;
  if (is_in_ram(folder.path)) GTEST_SKIP() << "the build folder lies in RAM";
  for (const std::string at : {"writing", "large reads", "small reads", "one read at a time"}) {
    std::atomic<bool> stop = false;
    const auto speed = measure_drive(folder.path, stop, [&](double, std::string_view what) {
      if (what == at) stop = true;
    });
    ASSERT_FALSE(speed) << at;
    EXPECT_EQ(speed.error().code, ErrorCode::cancelled) << at << ": " << speed.error().message;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path));
  }
}

TEST(DriveSpeed, SaysWhyAFolderCannotBeMeasured) {
  const TemporaryFolder folder;
  const auto missing = measure_drive(folder.file("missing"), kGoOn);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::io);
  EXPECT_NE(missing.error().message.find("No such file or directory"), std::string::npos)
      << missing.error().message;

  if (::access("/sys", W_OK) != 0 || ::geteuid() != 0) {
    const auto read_only = measure_drive("/sys", kGoOn);
    ASSERT_FALSE(read_only);
    EXPECT_EQ(read_only.error().code, ErrorCode::io) << read_only.error().message;
  }
  if (::geteuid() != 0) {
    std::filesystem::permissions(
        folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const auto locked = measure_drive(folder.path(), kGoOn);
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().code, ErrorCode::io);
    EXPECT_NE(locked.error().message.find("Permission denied"), std::string::npos);
  }
  if (std::filesystem::is_directory("/dev/shm") && is_in_ram("/dev/shm") &&
      ::access("/dev/shm", W_OK) == 0) {
    const auto ram = measure_drive("/dev/shm", kGoOn);
    ASSERT_FALSE(ram);
    EXPECT_EQ(ram.error().code, ErrorCode::unsupported);
    EXPECT_NE(ram.error().message.find("lies in RAM"), std::string::npos);
  }
}

TEST(DriveSpeed, SaysThatADriveTakesNoMore) {
  const TestFolder folder;
  if (is_in_ram(folder.path)) GTEST_SKIP() << "the build folder lies in RAM";
  RefusedWrites full;
  full.begin();
  const auto speed = measure_drive(folder.path, kGoOn);
  full.end();
  ASSERT_FALSE(speed);
  if (speed.error().code == ErrorCode::invalid) GTEST_SKIP() << speed.error().message;
  EXPECT_EQ(speed.error().code, ErrorCode::io);
  EXPECT_NE(speed.error().message.find("cannot write the test file in " + folder.path),
            std::string::npos)
      << speed.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

TEST(DriveSpeed, NearestFolderIsTheOneThatIsThere) {
  const TemporaryFolder folder;
  EXPECT_EQ(nearest_folder(folder.path()), folder.path());
  EXPECT_EQ(nearest_folder(folder.file("a/b/c")), folder.path());
  EXPECT_EQ(nearest_folder("/no such folder/at all"), "/");
}

TEST(RowCost, IsTheDrivesTimeForTheRowsOfAToken) {
  DriveSpeed drive;
  drive.small_reads_per_second = 96'000;
  drive.small_read_us = 80;
  auto costs = row_costs(drive);
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs[0].model, "Qwen3.8-Flash-Next");
  EXPECT_EQ(costs[0].rows_per_token, 16u);
  EXPECT_NEAR(costs[0].ms_per_token, 16 / 96.0, 1e-9);
  EXPECT_EQ(costs[1].model, "DeepSeek-V4.1-Flash");
  EXPECT_EQ(costs[1].rows_per_token, 48u);
  EXPECT_NEAR(costs[1].ms_per_token, 0.5, 1e-9);
  // However many reads a drive makes at once, one takes its time.
  drive.small_reads_per_second = 1e6;
  costs = row_costs(drive);
  EXPECT_NEAR(costs[0].ms_per_token, 0.08, 1e-9);
  EXPECT_EQ(row_costs({})[1].ms_per_token, 0);
}

}  // namespace
}  // namespace mneme
