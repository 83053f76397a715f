// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/wheel_focus.h"

#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QEvent>
#include <QFocusEvent>
#include <QScrollArea>
#include <QScrollBar>

namespace mneme {
namespace {

bool hasValue(const QObject* object) {
  return qobject_cast<const QAbstractSpinBox*>(object) != nullptr ||
         qobject_cast<const QComboBox*>(object) != nullptr ||
         (qobject_cast<const QAbstractSlider*>(object) != nullptr &&
          qobject_cast<const QScrollBar*>(object) == nullptr);
}

// The control that a widget is, or is a part of.
QWidget* controlOf(QObject* object) {
  for (; object != nullptr && object->isWidgetType(); object = object->parent()) {
    if (hasValue(object)) return static_cast<QWidget*>(object);
  }
  return nullptr;
}

bool byKeyboard(Qt::FocusReason reason) {
  return reason == Qt::TabFocusReason || reason == Qt::BacktabFocusReason ||
         reason == Qt::ShortcutFocusReason;
}

// A scroll area does it by itself only where the focus was in it before.
void scrollTo(QWidget* widget) {
  for (QWidget* above = widget->parentWidget(); above != nullptr; above = above->parentWidget()) {
    if (auto* area = qobject_cast<QScrollArea*>(above)) area->ensureWidgetVisible(widget);
  }
}

}  // namespace

void WheelFocus::install() {
  const QString name = QStringLiteral("wheelFocus");
  if (qApp->findChild<WheelFocus*>(name, Qt::FindDirectChildrenOnly) != nullptr) return;
  auto* filter = new WheelFocus(qApp);
  filter->setObjectName(name);
  qApp->installEventFilter(filter);
}

bool WheelFocus::eventFilter(QObject* watched, QEvent* event) {
  if (!watched->isWidgetType()) return false;
  switch (event->type()) {
    case QEvent::Polish:
      // Otherwise a wheel that passes would take the focus away from where one types.
      if (auto* control = static_cast<QWidget*>(watched);
          hasValue(control) && control->focusPolicy() == Qt::WheelFocus) {
        control->setFocusPolicy(Qt::StrongFocus);
      }
      break;
    case QEvent::MouseButtonPress:
      if (QWidget* control = controlOf(watched)) m_chosen = control;
      break;
    case QEvent::FocusIn: {
      const auto reason = static_cast<QFocusEvent*>(event)->reason();
      auto* control = controlOf(watched);
      if (byKeyboard(reason)) scrollTo(static_cast<QWidget*>(watched));
      // A dialog that opens tells its first widget of a Tab that nobody pressed: without the focus.
      if (control != nullptr && byKeyboard(reason) && static_cast<QWidget*>(watched)->hasFocus()) {
        m_chosen = control;
      }
      break;
    }
    case QEvent::FocusOut: {
      const auto reason = static_cast<QFocusEvent*>(event)->reason();
      // A list that drops down, and another window, give the focus back.
      if (reason != Qt::PopupFocusReason && reason != Qt::ActiveWindowFocusReason) m_chosen.clear();
      break;
    }
    case QEvent::Wheel:
      if (hasValue(watched)) {
        auto* control = static_cast<QWidget*>(watched);
        if (control == m_chosen && control->hasFocus()) break;
        event->ignore();  // the parent gets it
        return true;
      }
      break;
    default:
      break;
  }
  return false;
}

}  // namespace mneme

#include "moc_wheel_focus.cpp"
