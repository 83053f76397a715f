// SPDX-License-Identifier: Apache-2.0
#include "engram/file_system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace mneme {
namespace {

constexpr std::uint32_t kAlignmentMax = 4096;

// What O_DIRECT means on a file system, as far as its name tells.
enum class Direct : std::uint8_t {
  yes,          // goes to the drive
  if_reported,  // only where statx says so: the layer below may be memory
  no,           // memory, a network, or a flag that is accepted and ignored
};

struct KnownFileSystem {
  std::uint32_t magic;
  const char* name;
  Direct direct;
};

// Magic numbers as in the kernel's linux/magic.h and the file systems' own sources.
constexpr KnownFileSystem kKnown[] = {
    {0xEF53, "ext4", Direct::yes},
    {0x58465342, "xfs", Direct::yes},
    {0x9123683E, "btrfs", Direct::yes},
    {0xF2F52010, "f2fs", Direct::yes},
    {0xCA451A4E, "bcachefs", Direct::yes},
    {0x7366746E, "ntfs", Direct::yes},
    {0x2011BAB0, "exfat", Direct::yes},
    {0x4D44, "fat", Direct::yes},
    {0x794C7630, "overlay", Direct::if_reported},
    {0x01021994, "tmpfs", Direct::no},
    {0x858458F6, "ramfs", Direct::no},
    {0x958458F6, "hugetlbfs", Direct::no},
    {0x6969, "nfs", Direct::no},
    {0xFF534D42, "cifs", Direct::no},
    {0xFE534D42, "smb", Direct::no},
    {0x65735546, "fuse", Direct::no},
    {0x01021997, "9p", Direct::no},
    {0x2FC12FC1, "zfs", Direct::no},
    {0x73717368, "squashfs", Direct::no},
};

KnownFileSystem identify(int descriptor, std::string& name) {
  struct statfs info {};
  if (::fstatfs(descriptor, &info) != 0) {
    name = "unknown";
    return {0, "", Direct::if_reported};
  }
  const auto magic = static_cast<std::uint32_t>(info.f_type);
  for (const KnownFileSystem& known : kKnown) {
    if (known.magic == magic) {
      name = known.name;
      return known;
    }
  }
  name = fmt::format("unknown (0x{:x})", magic);
  return {magic, "", Direct::if_reported};
}

struct Alignment {
  std::uint32_t offset = 0;  // 0 = direct reads are not possible
  std::uint32_t memory = 0;
};

// True where the kernel answered (6.1 and later, for file systems that know).
bool ask_alignment([[maybe_unused]] int descriptor, [[maybe_unused]] Alignment& out) {
#ifdef STATX_DIOALIGN
  struct statx info {};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &info) != 0) return false;
  if ((info.stx_mask & STATX_DIOALIGN) == 0) return false;
  out = {info.stx_dio_offset_align, info.stx_dio_mem_align};
  return true;
#else
  return false;
#endif
}

// The smallest alignment with which a read succeeds.
Alignment try_alignment(int descriptor) {
  alignas(kAlignmentMax) std::array<std::byte, kAlignmentMax> buffer;
  for (const std::uint32_t size : {512u, kAlignmentMax}) {
    if (::pread(descriptor, buffer.data(), size, 0) >= 0) return {size, size};
  }
  return {};
}

}  // namespace

Result<RowFile> open_row_file(const std::string& path) {
  auto cached = File::open(path);
  if (!cached) return cached.error();
  std::string name;
  const KnownFileSystem known = identify(cached->descriptor(), name);
  RowFile plain{std::move(*cached), StorageKind::cached, name, 1, 1};
  if (known.direct == Direct::no) return plain;

  auto direct = File::open(path, File::Mode::direct);
  if (!direct) {
    if (direct.error().code == ErrorCode::unsupported) return plain;
    return direct.error();
  }
  Alignment alignment;
  if (!ask_alignment(direct->descriptor(), alignment)) {
    if (known.direct == Direct::if_reported) return plain;
    alignment = try_alignment(direct->descriptor());
  }
  if (alignment.offset == 0 || alignment.offset > kAlignmentMax ||
      alignment.memory > kAlignmentMax) {
    return plain;
  }
  return RowFile{std::move(*direct), StorageKind::direct, name, alignment.offset,
                 std::max(alignment.memory, 1u)};
}

std::string why_cached(const std::string& file_system) {
  for (const KnownFileSystem& known : kKnown) {
    if (known.direct != Direct::no || file_system.find(known.name) == std::string::npos) continue;
    return fmt::format("Not past the page cache: on {} direct reads do not reach a drive",
                       known.name);
  }
  return fmt::format("Not past the page cache: {} refuses direct reads", file_system);
}

}  // namespace mneme
