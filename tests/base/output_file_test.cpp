// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/file.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

Status append(OutputFile& file, std::string_view text) {
  return file.append(std::as_bytes(std::span(text)));
}

class OutputFileTest : public ::testing::Test {
 protected:
  std::string refusal(const std::string& path, const OutputFileOptions& options = {}) {
    const auto file = OutputFile::open(path, options);
    return file ? "" : file.error().message;
  }
  void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  TemporaryFolder folder_;
  const std::string path_ = folder_.file("out");
  const std::string part_ = OutputFile::part_path(path_);
};

TEST_F(OutputFileTest, TheOldFileStaysUntilTheNewOneIsWhole) {
  put(path_, "old");
  ::chmod(path_.c_str(), 0640);
  {
    auto file = OutputFile::open(path_);
    ASSERT_TRUE(file);
    ASSERT_TRUE(append(*file, "half"));
    EXPECT_EQ(file_text(path_), "old");
  }
  EXPECT_EQ(file_text(path_), "old");
  EXPECT_FALSE(std::filesystem::exists(part_));
  auto file = OutputFile::open(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(append(*file, "?ew"));
  ASSERT_TRUE(file->write_at(0, std::as_bytes(std::span("n", 1))));
  EXPECT_EQ(file->size(), 3u);
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(file_text(path_), "new");
  EXPECT_FALSE(std::filesystem::exists(part_));
  struct stat info {};
  ::stat(path_.c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(OutputFileTest, WhatAKilledProgramLeftIsWrittenOver) {
  put(part_, "left behind, and longer");
  auto file = OutputFile::open(path_);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 0u);
  ASSERT_TRUE(append(*file, "new"));
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(file_text(path_), "new");
}

TEST_F(OutputFileTest, WhatWasBegunStaysWhereItCanGoOn) {
  const OutputFileOptions resumable{.replace = false, .resumable = true};
  {
    auto file = OutputFile::open(path_, resumable);
    ASSERT_TRUE(file);
    ASSERT_TRUE(append(*file, "first, "));
  }
  EXPECT_EQ(file_text(part_), "first, ");
  {
    auto file = OutputFile::open(path_, resumable);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size(), 7u);
    ASSERT_TRUE(append(*file, "second"));
    ASSERT_TRUE(file->finish());
  }
  EXPECT_EQ(file_text(path_), "first, second");
  {
    const std::string other = folder_.file("other");
    ASSERT_TRUE(OutputFile::open(other, resumable));
    EXPECT_FALSE(std::filesystem::exists(OutputFile::part_path(other))) << "there is nothing in it";
  }
}

TEST_F(OutputFileTest, NeverReplacesWhereItMustNot) {
  const OutputFileOptions options{.replace = false};
  auto file = OutputFile::open(path_, options);
  ASSERT_TRUE(file);
  put(path_, "came meanwhile");
  const Status status = file->finish();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("not overwritten"), std::string::npos);
  EXPECT_EQ(file_text(path_), "came meanwhile");
  EXPECT_NE(refusal(path_, options).find("not overwritten"), std::string::npos);
}

TEST_F(OutputFileTest, WhatThisProgramReadsIsNotWrittenOverUnderAnyName) {
  put(path_, "input");
  const std::string link = folder_.file("link");
  const std::string name = folder_.file("another name");
  std::filesystem::create_symlink(path_, link);
  std::filesystem::create_hard_link(path_, name);
  const auto refused = [&] {
    for (const std::string& path : {path_, link, name, folder_.path() + "/./out"}) {
      EXPECT_NE(refusal(path).find("is read by this very command"), std::string::npos) << path;
      EXPECT_FALSE(OutputFile::check(path)) << path;
    }
  };
  {
    const auto open = File::open(path_);
    ASSERT_TRUE(open);
    refused();
    EXPECT_EQ(refusal(path_, {.replace_open = true}), "");
  }
  {
    const auto mapped = MappedFile::open(path_);
    ASSERT_TRUE(mapped);
    refused();
  }
  EXPECT_EQ(refusal(path_), "") << "nobody reads it any more";
  EXPECT_EQ(file_text(path_), "input");
}

TEST_F(OutputFileTest, ALinkStaysALink) {
  put(path_, "old");
  const std::string link = folder_.file("link");
  std::filesystem::create_symlink(path_, link);
  auto file = OutputFile::open(link);
  ASSERT_TRUE(file);
  ASSERT_TRUE(append(*file, "new"));
  ASSERT_TRUE(file->finish());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(file_text(path_), "new");
  std::filesystem::remove(path_);
  EXPECT_NE(refusal(link).find("a link to a file that is not there"), std::string::npos);
}

TEST_F(OutputFileTest, RefusesWhatIsNoFileWithASentence) {
  const std::string fifo = folder_.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(refusal(fifo).find("not a regular file"), std::string::npos);
  EXPECT_NE(refusal("/dev/full").find("not a regular file"), std::string::npos);
  EXPECT_NE(refusal(folder_.path()).find("is a folder"), std::string::npos);
  EXPECT_NE(refusal(folder_.file("no/such/out")).find("No such file"), std::string::npos);
  EXPECT_NE(refusal("").find("no name"), std::string::npos);
  ASSERT_EQ(::mkfifo(part_.c_str(), 0600), 0);
  EXPECT_NE(refusal(path_).find("not a regular file"), std::string::npos);
}

TEST_F(OutputFileTest, OneAtATime) {
  {
    auto file = OutputFile::open(path_);
    ASSERT_TRUE(file);
    EXPECT_NE(refusal(path_).find("being written"), std::string::npos);
    // Another program cannot take the lock either.
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const int fd = ::open(part_.c_str(), O_RDWR);
      ::_exit(fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0 ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(refusal(path_), "");
}

TEST_F(OutputFileTest, AFullDriveIsAnError) {
  const std::string full = folder_.file("full");
  auto file = OutputFile::open(full);
  ASSERT_TRUE(file);
  // Writing behind what a file may hold fails as a full drive does.
  const std::uint64_t far = std::uint64_t{1} << 63;
  EXPECT_FALSE(file->write_at(far - 1, std::as_bytes(std::span("xx", 2))));
}

TEST_F(OutputFileTest, PrivateFilesAreForTheirOwnerOnly) {
  put(path_, "old");
  ::chmod(path_.c_str(), 0644);
  auto file = OutputFile::open(path_, {.owner_only = true});
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->finish());
  struct stat info {};
  ::stat(path_.c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace mneme
