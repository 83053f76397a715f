// SPDX-License-Identifier: Apache-2.0
#include "base/private_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST(PrivateFile, FoldersThatAreMissingAreForTheirOwnerAndOthersStay) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  ASSERT_TRUE(make_private_folder(folder.file("a/b")));
  EXPECT_EQ(mode_of(folder.file("a")), 0700u);
  EXPECT_EQ(mode_of(folder.file("a/b")), 0700u);
  EXPECT_EQ(mode_of(folder.path()), 0755u);
  EXPECT_TRUE(make_private_folder(folder.file("a/b")));
  std::ofstream(folder.file("file")) << "x";
  EXPECT_FALSE(make_private_folder(folder.file("file")));
  EXPECT_FALSE(make_private_folder(folder.file("file/below")));
}

TEST(PrivateFile, AFileKeepsItsContent) {
  const TemporaryFolder folder;
  const std::string path = folder.file("settings");
  ASSERT_TRUE(make_private_file(path));
  EXPECT_EQ(mode_of(path), 0600u);
  std::ofstream(path) << "kept";
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  ASSERT_TRUE(make_private_file(path));
  EXPECT_EQ(mode_of(path), 0600u);
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "kept");
}

TEST(PrivateFile, WhatIsNoFileIsRefusedAndNothingWaits) {
  const TemporaryFolder folder;
  const std::string fifo = folder.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(make_private_file(fifo));
  EXPECT_FALSE(make_private_file(folder.path()));
  EXPECT_FALSE(make_private_file(folder.file("no/such")));
  EXPECT_TRUE(make_private(folder.file("not there")));
}

}  // namespace
}  // namespace mneme
