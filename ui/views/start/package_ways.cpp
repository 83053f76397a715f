// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/package_ways.h"

#include <QCoreApplication>

namespace mneme {
namespace {

struct PackageWords {
  Q_DECLARE_TR_FUNCTIONS(PackageWays)
};

}  // namespace

ModelWay wayToDefaultModel(const Package& package, const QString& file, const QString& folder) {
  const QString what = PackageWords::tr(
      "SmolLM2-135M-Instruct with its n-gram memory. Answers at once and fills "
      "every view.");
  const QString command = PackageWords::tr("Copy the command that installs the small model");
  if (package.kind == PackageKind::deb) {
    return {PackageWords::tr("Install the small one"), what,
            QStringLiteral("sudo apt install mneme-model-smollm2"), command};
  }
  if (package.kind == PackageKind::source) {
    return {PackageWords::tr("Fetch the small one"),
            PackageWords::tr("%1 In the folder of the source:").arg(what),
            QStringLiteral("./dev run"),
            PackageWords::tr("Copy the command that fetches the small model")};
  }
  return {PackageWords::tr("Bring the small one"),
          PackageWords::tr("%1 This package comes without it. Its file, %2, is found at the next "
                           "start in this folder:")
              .arg(what, file),
          folder, PackageWords::tr("Copy the folder that the small model goes to")};
}

QString wayToCuda(const Package& package) {
  switch (package.kind) {
    case PackageKind::deb:
      return PackageWords::tr("not installed (sudo apt install mneme-cuda)");
    case PackageKind::source:
      return PackageWords::tr("left out of this build (it needs the CUDA toolkit)");
    case PackageKind::rpm:
    case PackageKind::appimage:
    case PackageKind::flatpak:
    case PackageKind::tar:
    case PackageKind::run:
      return PackageWords::tr("not part of this package (a build from source can have it)");
    case PackageKind::unknown:
      break;
  }
  return PackageWords::tr("not installed (a build from source can have it)");
}

}  // namespace mneme
