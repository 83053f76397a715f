// SPDX-License-Identifier: Apache-2.0
#include "app/no_display.h"

#include <QDir>
#include <QLibraryInfo>

namespace mneme {
namespace {

bool hasPlugin(const QString& names) {
  const QDir folder(QLibraryInfo::path(QLibraryInfo::PluginsPath) + QStringLiteral("/platforms"));
  return !folder.entryList({names}).isEmpty();
}

QString reason() {
  const QString asked = qEnvironmentVariable("QT_QPA_PLATFORM");
  const QString x = qEnvironmentVariable("DISPLAY");
  const QString wayland = qEnvironmentVariable("WAYLAND_DISPLAY");
  if (!asked.isEmpty())
    return QStringLiteral("QT_QPA_PLATFORM asks for \"%1\", which cannot be opened").arg(asked);
  if (!wayland.isEmpty() && !hasPlugin(QStringLiteral("libqwayland*.so"))) {
    return QStringLiteral(
               "the display is Wayland's (WAYLAND_DISPLAY is \"%1\"), and Qt's plugin for it is "
               "not installed; its package is qt6-wayland or qt6-qtwayland")
        .arg(wayland);
  }
  if (!wayland.isEmpty())
    return QStringLiteral("WAYLAND_DISPLAY is \"%1\", which cannot be opened").arg(wayland);
  if (!x.isEmpty()) return QStringLiteral("DISPLAY is \"%1\", which cannot be opened").arg(x);
  return QStringLiteral("DISPLAY and WAYLAND_DISPLAY name none");
}

}  // namespace

QString noDisplay() {
  return QStringLiteral(
             "there is no display to open a window on: %1; mneme-cli does the same in a terminal")
      .arg(reason());
}

}  // namespace mneme
