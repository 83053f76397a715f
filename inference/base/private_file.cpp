// SPDX-License-Identifier: Apache-2.0
#include "base/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace mneme {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

Error failed(std::string_view what, const std::string& path, int code) {
  return Error{ErrorCode::io, fmt::format("cannot {} {}: {}", what, path, std::strerror(code))};
}

}  // namespace

Status make_private_folder(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    return S_ISDIR(info.st_mode) ? Status() : failed("create the folder", path, ENOTDIR);
  }
  const std::string above = std::filesystem::path(path).parent_path();
  if (!above.empty() && above != path) RETURN_IF_ERROR(make_private_folder(above));
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return failed("create the folder", path, errno);
}

Status make_private(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : failed("look at", path, errno);
  }
  if ((info.st_mode & kOthers) == 0 || info.st_uid != ::geteuid()) return {};
  if (::chmod(path.c_str(), info.st_mode & ~kOthers & 07777) == 0) return {};
  return failed("change the permissions of", path, errno);
}

Status make_private_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return Error{ErrorCode::io, fmt::format("{} is not a regular file", path)};
  }
  const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd < 0) return failed("open or create", path, errno);
  ::close(fd);
  return make_private(path);
}

}  // namespace mneme
