// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/update_way.h"

#include <QCoreApplication>

namespace mneme {
namespace {

struct UpdateWords {
  Q_DECLARE_TR_FUNCTIONS(UpdateWay)
};

}  // namespace

UpdateWay updateWay(const Package& package) {
  switch (package.kind) {
    case PackageKind::deb:
      return {
          UpdateWords::tr(
              "It came from a Debian package. Where that is from a repository, the updates of the "
              "system bring a newer one too; a newer file is installed with apt, which is given "
              "its name."),
          QStringLiteral("sudo apt update && sudo apt install --only-upgrade mneme")};
    case PackageKind::rpm:
      return {UpdateWords::tr("It came from an RPM package. A newer file is installed over it."),
              QStringLiteral("sudo rpm --upgrade mneme-*.rpm")};
    case PackageKind::appimage:
      return {UpdateWords::tr("It is an AppImage. A newer one replaces this file: %1")
                  .arg(package.place),
              {}};
    case PackageKind::flatpak:
      return {UpdateWords::tr("It came as a Flatpak, which is updated with the others."),
              QStringLiteral("flatpak update")};
    case PackageKind::tar:
      return {UpdateWords::tr(
                  "It came from an archive. Unpack the newer one and run the install.sh in it: it "
                  "takes the place of this one."),
              QStringLiteral("./install.sh")};
    case PackageKind::run:
      return {UpdateWords::tr(
                  "It was installed by a .run file. Run the newer one: it takes the place of this "
                  "one."),
              QStringLiteral("sh mneme-*.run")};
    case PackageKind::source:
      return {
          UpdateWords::tr(
              "It was built here from its source. Get the newer source and build it again, in %1")
              .arg(package.place),
          QStringLiteral("git pull")};
    case PackageKind::unknown:
      break;
  }
  return {UpdateWords::tr(
              "Nothing says how it came to %1. Look for a newer one where you have it from.")
              .arg(package.place),
          {}};
}

}  // namespace mneme
