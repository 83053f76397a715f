// SPDX-License-Identifier: Apache-2.0
// Over trees of files as the kernel shows them.
#include "base/system_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

constexpr std::uint64_t kMib = 1 << 20;
constexpr const char* kInGroup = " in the control group of this program";
constexpr const char* kOfAddresses = " of its address space (ulimit -v)";

class SystemMemoryTest : public ::testing::Test {
 protected:
  SystemMemoryTest() {
    write("proc/meminfo",
          "MemTotal:       16384000 kB\nMemFree:         1024000 kB\nMemAvailable:    8192000 kB\n"
          "Buffers:               0 kB\n");
    write("proc/self/statm", "2560 1000 500 1 0 900 0\n");  // 10 MiB mapped
  }
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.file(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void write_v2(const std::string& group, const std::string& max, const std::string& high,
                std::uint64_t current, std::uint64_t files) {
    write("groups" + group + "/memory.max", max + "\n");
    write("groups" + group + "/memory.high", high + "\n");
    write("groups" + group + "/memory.current", std::to_string(current) + "\n");
    write("groups" + group + "/memory.stat",
          "anon 1\nfile 999999999\ninactive_file " + std::to_string(files / 2) + "\nactive_file " +
              std::to_string(files - files / 2) + "\nslab_reclaimable 0\n");
  }
  void write_v1(const std::string& group, std::uint64_t limit, std::uint64_t usage,
                std::uint64_t files) {
    const std::string folder = "groups/memory" + group;
    write(folder + "/memory.limit_in_bytes", std::to_string(limit) + "\n");
    write(folder + "/memory.usage_in_bytes", std::to_string(usage) + "\n");
    write(folder + "/memory.stat", "cache 999999999\nrss 1\ninactive_file 5\ntotal_inactive_file " +
                                       std::to_string(files) + "\ntotal_active_file 0\n");
  }
  void write_limits(const std::string& address_space) {
    write("proc/self/limits",
          "Limit                     Soft Limit           Hard Limit           Units     \n"
          "Max stack size            8388608              unlimited            bytes     \n"
          "Max address space         " +
              address_space + "            unlimited            bytes     \n");
  }
  SystemMemory look() const {
    return system_memory({folder_.file("proc"), folder_.file("groups")});
  }

  const TemporaryFolder folder_;
};

TEST_F(SystemMemoryTest, IsWhatTheMachineSaysWithoutLimits) {
  write_limits("unlimited");
  const SystemMemory memory = look();
  EXPECT_EQ(memory.total_bytes, 16000 * kMib);
  EXPECT_EQ(memory.free_bytes, 8000 * kMib);
  EXPECT_FALSE(memory.address_space_left);
  EXPECT_EQ(memory.where, "");
}

TEST_F(SystemMemoryTest, AGroupOfVersion2LeavesWhatItsProcessesDoNotHold) {
  write("proc/self/cgroup", "0::/user.slice/app\n");
  write_v2("/user.slice/app", "157286400", "max", 100 * kMib, 40 * kMib);  // 150 MiB
  SystemMemory memory = look();
  EXPECT_EQ(memory.total_bytes, 150 * kMib);
  EXPECT_EQ(memory.free_bytes, 90 * kMib);  // pages of files can be read again
  EXPECT_EQ(memory.where, kInGroup);
  write_v2("/user.slice/app", "157286400", "104857600", 100 * kMib, 40 * kMib);
  EXPECT_EQ(look().free_bytes, 40 * kMib);  // memory.high
  write_v2("/user.slice/app", "max", "max", 100 * kMib, 40 * kMib);
  EXPECT_EQ(look().free_bytes, 8000 * kMib);
}

TEST_F(SystemMemoryTest, EveryGroupAboveHasItsSay) {
  write("proc/self/cgroup", "0::/a/b/c\n");
  write_v2("/a/b/c", "max", "max", 10 * kMib, 0);
  write_v2("/a", "524288000", "max", 300 * kMib, 0);  // 500 MiB, most of it of others
  SystemMemory memory = look();
  EXPECT_EQ(memory.total_bytes, 500 * kMib);
  EXPECT_EQ(memory.free_bytes, 200 * kMib);
  write_v2("/a/b", "104857600", "max", 10 * kMib, 0);
  memory = look();
  EXPECT_EQ(memory.total_bytes, 100 * kMib);
  EXPECT_EQ(memory.free_bytes, 90 * kMib);
}

TEST_F(SystemMemoryTest, AGroupOfVersion1CountsToo) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/jobs/one\n3:cpuset:/other\n0::/\n");
  write_v1("", 9223372036854771712u, 3000 * kMib, 0);
  write_v1("/jobs", 9223372036854771712u, 3000 * kMib, 0);
  EXPECT_EQ(look().free_bytes, 8000 * kMib);
  write_v1("/jobs/one", 150 * kMib, 140 * kMib, 100 * kMib);
  const SystemMemory memory = look();
  EXPECT_EQ(memory.total_bytes, 150 * kMib);
  EXPECT_EQ(memory.free_bytes, 110 * kMib);
  EXPECT_EQ(memory.where, kInGroup);
}

// Where a container sees its group as the root, and the process still knows the host's path.
TEST_F(SystemMemoryTest, AContainersRootIsItsGroup) {
  write("proc/self/cgroup", "4:memory:/docker/0123456789abcdef\n");
  write_v1("", 200 * kMib, 50 * kMib, 0);
  EXPECT_EQ(look().free_bytes, 150 * kMib);
  write("proc/self/cgroup", "0::/../../elsewhere\n");
  write_v2("", "104857600", "max", 0, 0);
  EXPECT_EQ(look().free_bytes, 100 * kMib);
}

TEST_F(SystemMemoryTest, AGroupThatIsOverItsLimitHasNothingFree) {
  write("proc/self/cgroup", "0::/a\n");
  write_v2("/a", "104857600", "max", 300 * kMib, 0);
  EXPECT_EQ(look().free_bytes, 0u);
}

TEST_F(SystemMemoryTest, TheLimitOfAddressSpaceCountsWhatIsMapped) {
  write_limits("104857600");
  const SystemMemory memory = look();
  EXPECT_EQ(memory.total_bytes, 16000 * kMib);
  ASSERT_TRUE(memory.address_space_left);
  EXPECT_EQ(*memory.address_space_left, 90 * kMib);
  EXPECT_EQ(memory.free_bytes, 90 * kMib);
  EXPECT_EQ(memory.where, kOfAddresses);
}

TEST_F(SystemMemoryTest, AWideLimitOfAddressSpaceIsNotTheOneThatMatters) {
  write_limits("1099511627776");
  const SystemMemory memory = look();
  EXPECT_EQ(memory.address_space_left, (std::uint64_t{1} << 40) - 10 * kMib);
  EXPECT_EQ(memory.free_bytes, 8000 * kMib);
  EXPECT_EQ(memory.where, "");
}

TEST(SystemMemory, OfThisMachineMakesSense) {
  const SystemMemory memory = system_memory();
  EXPECT_GT(memory.total_bytes, 0u);
  EXPECT_GT(memory.free_bytes, 0u);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(memory.address_space_left.has_value(), limit.rlim_cur != RLIM_INFINITY);
}

}  // namespace
}  // namespace mneme
