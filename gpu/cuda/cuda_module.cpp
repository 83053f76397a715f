// SPDX-License-Identifier: Apache-2.0
#include "gpu/cuda/cuda_module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string_view>
#include <system_error>

namespace mneme {
namespace {

constexpr const char* kFile = "mneme_cuda.so";

Error unusable(const std::filesystem::path& path, std::string_view reason) {
  return Error{ErrorCode::unsupported, fmt::format("{} {}", path.string(), reason)};
}

}  // namespace

std::vector<std::filesystem::path> cuda_module_paths() {
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const auto folder = program.parent_path();
  return {folder / kFile, folder.parent_path() / MNEME_LIBRARY_FOLDER / "mneme/modules" / kFile};
}

Result<const CudaApi*> load_cuda_module(const std::vector<std::filesystem::path>& paths) {
  for (const std::filesystem::path& path : paths) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) continue;
    // Never closed: the CUDA runtime inside registers things that live as long as the program.
    void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) return unusable(path, fmt::format("cannot be loaded: {}", dlerror()));
    auto* version = reinterpret_cast<CudaVersionFunction*>(dlsym(module, "mneme_cuda_version"));
    auto* api = reinterpret_cast<CudaApiFunction*>(dlsym(module, "mneme_cuda_api"));
    if (version == nullptr || api == nullptr) {
      return unusable(path, "is no CUDA module of Mneme: install Mneme again");
    }
    if (std::string_view(version()) != kCudaModuleVersion) {
      return unusable(path, fmt::format("was built for Mneme {}, this is {}: install Mneme again",
                                        version(), kCudaModuleVersion));
    }
    return api();
  }
  return Error{ErrorCode::unsupported,
               fmt::format("its module, {}, is not installed: the Debian package mneme-cuda has "
                           "it, and so has a build with the CUDA toolkit",
                           kFile)};
}

}  // namespace mneme
