// SPDX-License-Identifier: Apache-2.0
#include "ui/style_sheet.h"

#include <QHash>

namespace mneme {
namespace {

// Words in @at signs@ are colours of the theme. Object names and the dynamic property "kind" pick
// out special widgets: kind=primary (filled), quiet (no frame), card, chip, muted, section.
const char kSheet[] = R"(
QMainWindow::separator { background: @border@; width: 1px; height: 1px; }
QToolTip { background: @raised@; color: @text@; border: 1px solid @border@; padding: 5px 7px; }

QMenuBar { background: @window@; border-bottom: 1px solid @border@; padding: 2px 6px; }
QMenuBar::item { padding: 5px 8px; border-radius: 5px; color: @textMuted@; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: @raised@; color: @text@; }
QMenu { background: @window@; border: 1px solid @border@; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 22px; border-radius: 5px; }
QMenu::item:selected { background: @accentSoft@; color: @text@; }
QMenu::item:disabled { color: @textMuted@; }
QMenu::separator { height: 1px; background: @border@; margin: 5px 6px; }
QStatusBar { background: @window@; border-top: 1px solid @border@; color: @textMuted@; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: @textMuted@; padding: 2px 8px; }
#downloadStatus { padding: 1px 8px; }

QPushButton { background: @window@; border: 1px solid @border@; border-radius: 7px;
  padding: 5px 12px; color: @text@; }
QPushButton:hover { background: @raised@; }
QPushButton:pressed { background: @border@; }
QPushButton:disabled { color: @textMuted@; background: @raised@; }
QPushButton:focus { border: 1px solid @accent@; }
QPushButton[kind="primary"] { background: @accent@; color: @accentText@; border: 1px solid @accent@;
  font-weight: 500; }
QPushButton[kind="primary"]:hover { background: @accentHover@; border-color: @accentHover@; }
QPushButton[kind="primary"]:focus { border: 1px solid @text@; }
QPushButton[kind="primary"]:disabled { background: @border@; border-color: @border@;
  color: @textMuted@; }
QDialog QPushButton:default { background: @accent@; color: @accentText@; border: 1px solid @accent@; }
QDialog QPushButton:default:hover { background: @accentHover@; }
QDialog QPushButton:default:focus { border: 1px solid @text@; }
QDialog QPushButton:default:disabled { background: @border@; border-color: @border@;
  color: @textMuted@; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton[kind="quiet"] { background: transparent; border: 1px solid transparent;
  padding: 3px 7px; color: @textMuted@; }
QPushButton[kind="quiet"]:hover { background: @raised@; color: @text@; }
QPushButton[kind="quiet"]:focus { border: 1px solid @accent@; }
QPushButton[kind="chip"] { background: @raised@; border: 1px solid @raised@; border-radius: 11px;
  padding: 2px 9px; color: @textMuted@; }
QPushButton[kind="chip"]:hover { color: @text@; }
QPushButton[kind="chip"]:checked { background: @accentSoft@; border-color: @accentSoft@;
  color: @accent@; }
QPushButton[kind="chip"]:focus { border: 1px solid @accent@; }
QToolButton[popupMode="2"] { background: transparent; border: 1px solid transparent;
  border-radius: 7px; padding: 3px 20px 3px 7px; color: @text@; }
QToolButton[popupMode="2"]:hover { background: @raised@; }
QToolButton[popupMode="2"]:focus { border: 1px solid @accent@; }
QToolButton[popupMode="2"]::menu-indicator { image: url(:/icons/down-@shade@.svg); width: 12px;
  height: 12px; subcontrol-origin: border; subcontrol-position: right center; right: 5px; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
  background: @raised@; border: 1px solid @border@; border-radius: 7px; padding: 5px 8px;
  color: @text@; selection-background-color: @accent@; selection-color: @accentText@; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QComboBox:focus { border: 1px solid @accent@; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {
  color: @textMuted@; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: none; width: 20px;
  background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; margin: 2px 3px 0 0; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; margin: 0 3px 2px 0; }
QAbstractSpinBox::up-arrow { image: url(:/icons/up-@shade@.svg); width: 11px; height: 11px; }
QAbstractSpinBox::down-arrow { image: url(:/icons/down-@shade@.svg); width: 11px; height: 11px; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url(:/icons/down-@shade@.svg); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: @window@; border: 1px solid @border@;
  selection-background-color: @accentSoft@; selection-color: @text@; }
QCheckBox { spacing: 7px; }
QCheckBox::indicator { width: 15px; height: 15px; border: 1px solid @textMuted@;
  border-radius: 4px; background: @window@; }
QCheckBox::indicator:checked { background: @accent@; border-color: @accent@;
  image: url(:/icons/check-@shade@.svg); }
QCheckBox::indicator:focus { border: 2px solid @accent@; }
QGroupBox { border: none; margin-top: 22px; font-weight: 600; }
QGroupBox::title { subcontrol-origin: margin; left: 0; padding: 0; color: @text@; }

QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: @scroll@; border-radius: 3px; margin: 2px 3px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; margin: 3px 2px; }
QScrollBar::handle:hover { background: @textMuted@; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea { border: none; }
#chatView { background: @base@; }
#manualView, #manualView:focus { background: @window@; border: none; border-radius: 0; padding: 0; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QListView, QTreeView, QTableView { background: @window@; border: none; outline: none;
  selection-background-color: @accentSoft@; selection-color: @text@;
  alternate-background-color: @base@; gridline-color: @border@; }
QTableWidget::item { padding: 0 6px; }
#pages::item { padding: 5px 8px; border-radius: 8px; }
#pages::item:selected { background: @accentSoft@; color: @accent@; }
QHeaderView { background: @window@; }
QHeaderView::section { background: @window@; color: @textMuted@; border: none;
  border-bottom: 1px solid @border@; padding: 4px 6px; }
#foundHeader::section { padding: 4px 7px 4px 0; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-origin: padding;
  subcontrol-position: top center; width: 10px; height: 10px; }
QHeaderView::up-arrow { image: url(:/icons/up-@shade@.svg); }
QHeaderView::down-arrow { image: url(:/icons/down-@shade@.svg); }
QTableCornerButton::section { background: @window@; border: none; }

QDockWidget { color: @textMuted@; titlebar-close-icon: none; titlebar-normal-icon: none; }
QDockWidget::title { background: @window@; padding: 6px 12px; border-bottom: 1px solid @border@; }
QTabBar { background: @window@; qproperty-drawBase: 0; }
QTabBar::tab { background: @window@; color: @textMuted@; padding: 6px 10px;
  border: none; border-bottom: 2px solid transparent; margin: 0 3px; }
QTabBar::tab:selected { color: @text@; border-bottom: 2px solid @accent@; }
QTabBar::tab:hover { color: @text@; }
QTabBar::tab:focus { color: @accent@; }
QTabWidget::pane { border: none; border-top: 1px solid @border@; }
QSplitter::handle { background: @border@; }
QProgressBar { background: @border@; border: none; border-radius: 3px; max-height: 6px;
  min-height: 6px; color: transparent; }
QProgressBar::chunk { background: @accent@; border-radius: 3px; }
QSlider::groove:horizontal { background: @border@; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent@; height: 4px; border-radius: 2px; }
QSlider::handle:horizontal { background: @accent@; width: 14px; height: 14px; margin: -5px 0;
  border-radius: 7px; }
QSlider::handle:horizontal:focus { border: 2px solid @text@; width: 10px; height: 10px; }

QLabel[kind="muted"] { color: @textMuted@; }
QLabel[kind="section"] { color: @textMuted@; font-weight: 600; }
QLabel[kind="title"] { font-weight: 600; }
QLabel[kind="warning"] { color: @warning@; }
QLabel[kind="chip"] { background: @raised@; color: @textMuted@; border-radius: 10px;
  padding: 2px 9px; }
QFrame[kind="card"] { background: @raised@; border: 1px solid @border@; border-radius: 9px; }
QFrame[kind="sheet"] { background: @window@; border: 1px solid @border@; border-radius: 9px; }
QFrame[kind="code"] { background: @codeBackground@; border: none; border-radius: 5px; }
QFrame[kind="upright"] { background: @border@; border: none; max-width: 1px; min-width: 1px; }
#manualWindow { background: @window@; }
QFrame[kind="line"] { background: @border@; border: none; max-height: 1px; min-height: 1px; }
)";

}  // namespace

QString styleSheet(const Theme& theme) {
  QColor scroll = theme.textMuted;
  scroll.setAlphaF(0.45F);
  const QHash<QString, QColor> colours{
      {QStringLiteral("window"), theme.window},
      {QStringLiteral("base"), theme.base},
      {QStringLiteral("raised"), theme.raised},
      {QStringLiteral("border"), theme.border},
      {QStringLiteral("text"), theme.text},
      {QStringLiteral("textMuted"), theme.textMuted},
      {QStringLiteral("accent"), theme.accent},
      {QStringLiteral("accentHover"),
       theme.dark ? theme.accent.lighter(108) : theme.accent.darker(112)},
      {QStringLiteral("accentText"), theme.accentText},
      {QStringLiteral("accentSoft"), theme.accentSoft},
      {QStringLiteral("codeBackground"), theme.codeBackground},
      {QStringLiteral("warning"), theme.warning},
      {QStringLiteral("scroll"), scroll},
  };
  const QStringList parts = QString::fromLatin1(kSheet).split(QLatin1Char('@'));
  QString sheet;
  for (qsizetype i = 0; i < parts.size(); ++i) {
    if (i % 2 == 0) {
      sheet += parts[i];
    } else if (parts[i] == QLatin1String("shade")) {
      sheet += theme.dark ? QStringLiteral("dark") : QStringLiteral("light");
    } else {
      const QColor c = colours.value(parts[i]);
      sheet += QStringLiteral("rgba(%1,%2,%3,%4)")
                   .arg(c.red())
                   .arg(c.green())
                   .arg(c.blue())
                   .arg(c.alpha());
    }
  }
  return sheet;
}

}  // namespace mneme
