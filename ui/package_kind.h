// SPDX-License-Identifier: Apache-2.0
// Where this program came from, as its package says. Asks nobody: reads a file and the environment.
// Any thread.
#pragma once

#include <QString>
#include <cstdint>

namespace mneme {

enum class PackageKind : std::uint8_t { deb, rpm, appimage, flatpak, tar, run, source, unknown };

struct Package {
  PackageKind kind = PackageKind::unknown;
  QString place;  // the AppImage's file, the folder of the source tree; else the program's folder
};

// Of the program in that folder: AppImage and Flatpak say so in the environment, other packages in
// ../lib/mneme/package (installer/package_files.cmake).
Package packageOf(const QString& programFolder);

}  // namespace mneme
