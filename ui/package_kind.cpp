// SPDX-License-Identifier: Apache-2.0
#include "ui/package_kind.h"

#include <QDir>
#include <QFile>
#include <utility>

namespace mneme {
namespace {

constexpr qint64 kWordBytesMax = 64;

// The words of installer/package_files.cmake and installer/package.sh.
constexpr std::pair<const char*, PackageKind> kWords[] = {{"deb", PackageKind::deb},
                                                          {"rpm", PackageKind::rpm},
                                                          {"appimage", PackageKind::appimage},
                                                          {"tar", PackageKind::tar},
                                                          {"run", PackageKind::run}};

}  // namespace

Package packageOf(const QString& programFolder) {
  if (const QString image = qEnvironmentVariable("APPIMAGE"); !image.isEmpty())
    return {PackageKind::appimage, image};
  if (qEnvironmentVariableIsSet("FLATPAK_ID")) return {PackageKind::flatpak, programFolder};
  const QDir folder(programFolder);
  QFile said(folder.filePath(QStringLiteral("../lib/mneme/package")));
  if (said.open(QIODevice::ReadOnly)) {
    const QByteArray word = said.read(kWordBytesMax).trimmed();
    for (const auto& [name, kind] : kWords) {
      if (word == name) return {kind, folder.canonicalPath()};
    }
    return {PackageKind::unknown, folder.canonicalPath()};
  }
  // build/<preset>/bin of a source tree
  const QDir source(QDir::cleanPath(folder.filePath(QStringLiteral("../../.."))));
  if (source.exists(QStringLiteral("dev")) && source.exists(QStringLiteral("CMakePresets.json")))
    return {PackageKind::source, source.path()};
  return {PackageKind::unknown, folder.canonicalPath()};
}

}  // namespace mneme
