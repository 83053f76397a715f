// SPDX-License-Identifier: Apache-2.0
#include "ui/theme.h"

#include <QApplication>
#include <QFontDatabase>
#include <QStyleFactory>
#include <algorithm>
#include <array>
#include <cmath>

#include "resources/resources.h"
#include "ui/plain_text.h"
#include "ui/style_sheet.h"
#include "ui/tier_ink.h"

namespace mneme {
namespace {

constexpr double kBasePoints = 9.75;  // 13 pixels at 96 dpi

struct Shared {
  Theme theme;
  Theme::Choice choice = Theme::Choice::system;
  double zoom = 1.0;
  bool systemDark = false;
  bool fontsLoaded = false;
  Theme::Notifier notifier;
};

Theme lightTheme() {
  Theme t;
  t.dark = false;
  t.window = QColor(0xFF, 0xFF, 0xFF);
  t.base = QColor(0xF6, 0xF7, 0xF9);
  t.raised = QColor(0xF3, 0xF4, 0xF6);
  t.border = QColor(0xE1, 0xE4, 0xE9);
  t.text = QColor(0x1B, 0x20, 0x27);
  t.textMuted = QColor(0x5F, 0x68, 0x73);
  t.accent = QColor(0x3A, 0x5B, 0xD9);
  t.accentText = QColor(0xFF, 0xFF, 0xFF);
  t.accentSoft = QColor(0xE7, 0xEC, 0xFD);
  t.bubble = QColor(0xEE, 0xF2, 0xFF);
  t.codeBackground = QColor(0xEE, 0xF1, 0xF4);
  t.good = QColor(0x1B, 0x8A, 0x5A);
  t.paceFaster = QColor(0x1B, 0x8A, 0x5A);
  t.paceSame = QColor(0xB5, 0x7A, 0x00);
  t.paceSlower = QColor(0xD2, 0x45, 0x58);
  t.error = QColor(0xC2, 0x2F, 0x43);
  t.warning = QColor(0x8A, 0x55, 0x00);
  return t;
}

Theme darkTheme() {
  Theme t;
  t.dark = true;
  t.window = QColor(0x1C, 0x20, 0x26);
  t.base = QColor(0x15, 0x18, 0x1D);
  t.raised = QColor(0x22, 0x27, 0x2E);
  t.border = QColor(0x2C, 0x32, 0x3B);
  t.text = QColor(0xE6, 0xE9, 0xEE);
  t.textMuted = QColor(0x98, 0xA2, 0xB0);
  t.accent = QColor(0x7C, 0x9C, 0xFF);
  t.accentText = QColor(0x0F, 0x14, 0x20);
  t.accentSoft = QColor(0x26, 0x30, 0x4D);
  t.bubble = QColor(0x23, 0x2B, 0x40);
  t.codeBackground = QColor(0x24, 0x2A, 0x32);
  t.good = QColor(0x3F, 0xC3, 0x8A);
  t.paceFaster = QColor(0x3F, 0xC3, 0x8A);
  t.paceSame = QColor(0xF0, 0xB4, 0x29);
  t.paceSlower = QColor(0xF4, 0x6D, 0x7E);
  t.error = QColor(0xFF, 0x7A, 0x8A);
  t.warning = QColor(0xF0, 0xB4, 0x29);
  return t;
}

Shared& shared() {
  static Shared instance{.theme = lightTheme()};
  return instance;
}

void loadFonts() {
  load_resources();
  for (const char* name :
       {"Inter-Regular.otf", "Inter-Italic.otf", "Inter-Medium.otf", "Inter-SemiBold.otf",
        "Inter-Bold.otf", "Inter-BoldItalic.otf", "JetBrainsMono-Regular.ttf",
        "JetBrainsMono-Italic.ttf", "JetBrainsMono-Bold.ttf"}) {
    QFontDatabase::addApplicationFont(QStringLiteral(":/fonts/") + QLatin1String(name));
  }
}

void apply() {
  Shared& s = shared();
  const bool dark =
      s.choice == Theme::Choice::dark || (s.choice == Theme::Choice::system && s.systemDark);
  s.theme = dark ? darkTheme() : lightTheme();
  if (qApp != nullptr && qobject_cast<QApplication*>(qApp) != nullptr) {
    if (!s.fontsLoaded) {
      loadFonts();
      s.fontsLoaded = true;
      makePlainTextTheDefault(*qobject_cast<QApplication*>(qApp));
      QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    }
    QApplication::setFont(s.theme.uiFont());
    QApplication::setPalette(s.theme.palette());
    qApp->setStyleSheet(styleSheet(s.theme));
  }
  Q_EMIT s.notifier.changed();
}

template <std::size_t N>
QColor ramp(const std::array<QColor, N>& stops, double value) {
  const double at = std::clamp(std::isnan(value) ? 0.0 : value, 0.0, 1.0) * (N - 1);
  const auto low = std::min<std::size_t>(static_cast<std::size_t>(at), N - 2);
  const double f = at - static_cast<double>(low);
  const QColor& a = stops[low];
  const QColor& b = stops[low + 1];
  return QColor::fromRgbF(static_cast<float>(a.redF() + (b.redF() - a.redF()) * f),
                          static_cast<float>(a.greenF() + (b.greenF() - a.greenF()) * f),
                          static_cast<float>(a.blueF() + (b.blueF() - a.blueF()) * f));
}

double luminance(const QColor& c) {
  const auto linear = [](double v) {
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF());
}

}  // namespace

QFont Theme::uiFont(double scale) const {
  QFont font;
  font.setFamilies({QStringLiteral("Inter"), QStringLiteral("Noto Sans"),
                    QStringLiteral("Noto Sans CJK SC"), QStringLiteral("Noto Color Emoji")});
  font.setPointSizeF(kBasePoints * scale * shared().zoom);
  return font;
}

QFont Theme::monoFont(double scale) const {
  QFont font;
  font.setFamilies({QStringLiteral("JetBrains Mono"), QStringLiteral("Noto Sans Mono"),
                    QStringLiteral("Noto Sans Mono CJK SC"), QStringLiteral("Noto Color Emoji")});
  font.setStyleHint(QFont::Monospace);
  font.setFixedPitch(true);
  font.setPointSizeF(kBasePoints * 0.92 * scale * shared().zoom);
  return font;
}

// All are backgrounds that the theme's own text can be read on (4.5:1), so that ink leaves the text
// as it is. Within that a high value stands off the ground as far as it can, and low ones as far as
// they are part of it.
QColor Theme::gate(double value) const {
  const std::array<QColor, 6> lightStops{QColor(0xFF, 0xFF, 0xFF), QColor(0xFD, 0xEF, 0xCF),
                                         QColor(0xF9, 0xD9, 0xA0), QColor(0xF4, 0xB7, 0x68),
                                         QColor(0xEA, 0x91, 0x45), QColor(0xDB, 0x76, 0x32)};
  const std::array<QColor, 6> darkStops{QColor(0x1C, 0x20, 0x26), QColor(0x42, 0x38, 0x1F),
                                        QColor(0x5C, 0x49, 0x20), QColor(0x76, 0x55, 0x1D),
                                        QColor(0x8C, 0x58, 0x1C), QColor(0xA0, 0x53, 0x1C)};
  return ramp(dark ? darkStops : lightStops, value);
}

QColor Theme::write(double share) const {
  const std::array<QColor, 5> lightStops{QColor(0xFF, 0xFF, 0xFF), QColor(0xD3, 0xDB, 0xFA),
                                         QColor(0xB0, 0xBF, 0xF6), QColor(0x8F, 0xA4, 0xF3),
                                         QColor(0x70, 0x89, 0xEE)};
  const std::array<QColor, 5> darkStops{QColor(0x1C, 0x20, 0x26), QColor(0x2A, 0x3A, 0x75),
                                        QColor(0x3A, 0x4F, 0x9E), QColor(0x44, 0x5A, 0xAC),
                                        QColor(0x4B, 0x62, 0xB8)};
  return ramp(dark ? darkStops : lightStops, share);
}

QColor Theme::probability(double value) const {
  const std::array<QColor, 2> lightStops{QColor(0xE6, 0xE8, 0xEC), QColor(0x9A, 0xA1, 0xAB)};
  const std::array<QColor, 2> darkStops{QColor(0x2C, 0x32, 0x3B), QColor(0x5F, 0x68, 0x73)};
  return ramp(dark ? darkStops : lightStops, value);
}

QColor Theme::resident(double value) const {
  const std::array<QColor, 4> lightStops{QColor(0xF6, 0xF7, 0xF9), QColor(0x8F, 0xD3, 0xC6),
                                         QColor(0x1F, 0x9E, 0x89), QColor(0x0B, 0x57, 0x4B)};
  const std::array<QColor, 4> darkStops{QColor(0x15, 0x18, 0x1D), QColor(0x1D, 0x5A, 0x52),
                                        QColor(0x2A, 0x8F, 0x7F), QColor(0x4F, 0xDB, 0xC3)};
  return ramp(dark ? darkStops : lightStops, value);
}

QColor Theme::tier(Tier tier) const {
  switch (tier) {
    case Tier::device:
      return dark ? QColor(0xA7, 0x8B, 0xFA) : QColor(0x7C, 0x5C, 0xD6);
    case Tier::ram:
      return dark ? QColor(0x35, 0xB8, 0xA2) : QColor(0x1F, 0x9E, 0x89);
    case Tier::ssd_in_time:
      return dark ? QColor(0xF0, 0xB4, 0x29) : QColor(0xE0, 0xA1, 0x00);
    case Tier::ssd_late:
      return dark ? QColor(0xF4, 0x6D, 0x7E) : QColor(0xD2, 0x45, 0x58);
  }
  return border;
}

QColor tierInk(Tier tier) {
  const bool dark = Theme::current().dark;
  switch (tier) {
    case Tier::device:
      return dark ? QColor(0x5B, 0x4A, 0x99) : QColor(0xB9, 0xA6, 0xEE);
    case Tier::ram:
      return dark ? QColor(0x1C, 0x6B, 0x5E) : QColor(0x7C, 0xCD, 0xBD);
    case Tier::ssd_in_time:
      return dark ? QColor(0x80, 0x61, 0x1A) : QColor(0xEF, 0xC7, 0x65);
    case Tier::ssd_late:
      return dark ? QColor(0x96, 0x40, 0x4D) : QColor(0xF0, 0xA0, 0xAA);
  }
  return Theme::current().border;
}

QColor Theme::textOn(const QColor& background) {
  const double l = luminance(background);
  const double withBlack = (l + 0.05) / 0.05;
  const double withWhite = 1.05 / (l + 0.05);
  return withBlack >= withWhite ? QColor(Qt::black) : QColor(Qt::white);
}

QPalette Theme::palette() const {
  QPalette p;
  p.setColor(QPalette::Window, window);
  p.setColor(QPalette::WindowText, text);
  p.setColor(QPalette::Base, window);
  p.setColor(QPalette::AlternateBase, base);
  p.setColor(QPalette::Text, text);
  p.setColor(QPalette::PlaceholderText, textMuted);
  p.setColor(QPalette::Button, raised);
  p.setColor(QPalette::ButtonText, text);
  p.setColor(QPalette::BrightText, error);
  p.setColor(QPalette::Highlight, accent);
  p.setColor(QPalette::HighlightedText, accentText);
  p.setColor(QPalette::Link, accent);
  p.setColor(QPalette::LinkVisited, accent);
  p.setColor(QPalette::ToolTipBase, raised);
  p.setColor(QPalette::ToolTipText, text);
  p.setColor(QPalette::Light, raised.lighter(dark ? 120 : 104));
  p.setColor(QPalette::Midlight, raised);
  p.setColor(QPalette::Mid, border);
  p.setColor(QPalette::Dark, border.darker(115));
  p.setColor(QPalette::Shadow, dark ? QColor(0x0C, 0x0E, 0x12) : QColor(0xB8, 0xBE, 0xC6));
  QColor faint = textMuted;
  faint.setAlphaF(0.6F);
  for (const auto role : {QPalette::Text, QPalette::WindowText, QPalette::ButtonText}) {
    p.setColor(QPalette::Disabled, role, faint);
  }
  return p;
}

const Theme& Theme::current() {
  return shared().theme;
}

void Theme::choose(Choice choice) {
  shared().choice = choice;
  apply();
}

void Theme::setZoom(double factor) {
  shared().zoom = std::clamp(factor, 0.75, 2.0);
  apply();
}

double Theme::zoom() {
  return shared().zoom;
}

void Theme::setSystemDark(bool dark) {
  if (shared().systemDark == dark) return;
  shared().systemDark = dark;
  if (shared().choice == Choice::system) apply();
}

Theme::Notifier& Theme::notifier() {
  return shared().notifier;
}

}  // namespace mneme

// Beside its class rather than in one common file, so that a test links only what it uses.
#include "moc_theme.cpp"
