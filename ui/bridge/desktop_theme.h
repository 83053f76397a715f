// SPDX-License-Identifier: Apache-2.0
// Follows the desktop's light or dark preference through xdg-desktop-portal, where there is one.
// Asks without waiting; no bus or no portal means light, or what the palette at the start suggests.
// UI thread.
#pragma once

#include <QDBusVariant>
#include <QObject>

#include "inference/settings/settings.h"

namespace mneme {

class DesktopTheme : public QObject {
  Q_OBJECT

 public:
  explicit DesktopTheme(QObject* parent = nullptr);

 private Q_SLOTS:
  void onSettingChanged(const QString& group, const QString& key, const QDBusVariant& value);
};

// Theme and zoom, as the settings have them.
void chooseTheme(const WindowSettings& settings);

}  // namespace mneme
