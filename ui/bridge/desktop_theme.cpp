// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/desktop_theme.h"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QPalette>

#include "ui/theme.h"

namespace mneme {
namespace {

const QString kService = QStringLiteral("org.freedesktop.portal.Desktop");
const QString kPath = QStringLiteral("/org/freedesktop/portal/desktop");
const QString kInterface = QStringLiteral("org.freedesktop.portal.Settings");
const QString kGroup = QStringLiteral("org.freedesktop.appearance");
const QString kKey = QStringLiteral("color-scheme");

// Read() wraps the value in a variant of a variant.
void apply(QVariant value) {
  for (int i = 0; i < 3 && value.canConvert<QDBusVariant>(); ++i) {
    value = value.value<QDBusVariant>().variant();
  }
  bool ok = false;
  const uint scheme = value.toUInt(&ok);
  if (ok) Theme::setSystemDark(scheme == 1);  // 0 no preference, 1 dark, 2 light
}

}  // namespace

DesktopTheme::DesktopTheme(QObject* parent) : QObject(parent) {
  Theme::setSystemDark(QApplication::palette().color(QPalette::Window).lightnessF() < 0.5F);
  QDBusConnection bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) return;
  bus.connect(kService, kPath, kInterface, QStringLiteral("SettingChanged"), this,
              SLOT(onSettingChanged(QString, QString, QDBusVariant)));
  QDBusMessage ask =
      QDBusMessage::createMethodCall(kService, kPath, kInterface, QStringLiteral("Read"));
  ask << kGroup << kKey;
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(ask, 3000), this);
  connect(watcher, &QDBusPendingCallWatcher::finished, this, [](QDBusPendingCallWatcher* done) {
    const QDBusPendingReply<QDBusVariant> reply = *done;
    if (!reply.isError()) apply(QVariant::fromValue(reply.value()));
    done->deleteLater();
  });
}

void DesktopTheme::onSettingChanged(const QString& group, const QString& key,
                                    const QDBusVariant& value) {
  if (group == kGroup && key == kKey) apply(QVariant::fromValue(value));
}

void chooseTheme(const WindowSettings& settings) {
  Theme::setZoom(settings.zoom);
  Theme::choose(settings.theme == "dark"    ? Theme::Choice::dark
                : settings.theme == "light" ? Theme::Choice::light
                                            : Theme::Choice::system);
}

}  // namespace mneme

#include "moc_desktop_theme.cpp"
