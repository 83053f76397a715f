// SPDX-License-Identifier: Apache-2.0
// What the wheel and the Tab key do anywhere in the window and its dialogs.
#include <QAbstractItemView>
#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QDockWidget>
#include <QDoubleSpinBox>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QScrollBar>
#include <QSpinBox>
#include <QTableView>
#include <QWheelEvent>

#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/views/inspect/slots_view.h"
#include "ui/views/window/open_model_dialog.h"
#include "ui/views/window/settings_dialog.h"

using namespace mneme;

namespace {

// As from the window system: Qt hands what a program makes to no parent.
bool turnWheel(QWidget* widget) {
  const QPointF at = widget->rect().center();
  QWheelEvent event(at, widget->mapToGlobal(at), {}, QPoint(0, -120), Qt::NoButton, Qt::NoModifier,
                    Qt::NoScrollPhase, false);
  QSpontaneKeyEvent::setSpontaneous(&event);
  qApp->notify(widget, &event);
  return event.isAccepted();
}

QString valueOf(const QWidget* widget) {
  if (const auto* combo = qobject_cast<const QComboBox*>(widget)) return combo->currentText();
  if (const auto* spin = qobject_cast<const QAbstractSpinBox*>(widget)) return spin->text();
  if (const auto* slider = qobject_cast<const QAbstractSlider*>(widget)) {
    return QString::number(slider->value());
  }
  return {};
}

std::vector<QWidget*> controlsIn(const QWidget* root) {
  std::vector<QWidget*> controls;
  for (QWidget* widget : root->findChildren<QWidget*>()) {
    if (qobject_cast<QScrollBar*>(widget) == nullptr && !valueOf(widget).isEmpty()) {
      controls.push_back(widget);
    }
  }
  return controls;
}

}  // namespace

class WindowFocusTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() { m_window.open(); }
  void cleanup() { m_window.close(); }

  void theWheelChangesNoValueThatWasNotChosen() {
    m_window.openTiny();
    int controls = 0;
    const auto check = [&](QWidget* root) {
      for (QWidget* control : controlsIn(root)) {
        ++controls;
        const QString before = valueOf(control);
        turnWheel(control);
        QCOMPARE(valueOf(control), before);
        // Focus that nobody asked for, as a dialog gives it when it opens.
        control->setFocus(Qt::OtherFocusReason);
        turnWheel(control);
        QCOMPARE(valueOf(control), before);
      }
    };
    m_window.eachDialog(check);
    for (const auto preset : {MainWindow::Preset::inspect, MainWindow::Preset::memory}) {
      m_window->showPreset(preset);
      check(m_window.window());
    }
    QVERIFY2(controls > 20, qPrintable(QString::number(controls)));
  }

  void theWheelOverAFieldScrollsTheDialog() {
    SettingsDialog dialog(m_window->settings(), m_window->engine().jobs());
    dialog.resize(600, 300);
    dialog.show();
    QVERIFY(QTest::qWaitForWindowExposed(&dialog));
    auto* spin = dialog.findChild<QSpinBox*>(QStringLiteral("model/context"));
    QScrollArea* area = nullptr;
    for (QWidget* above = spin; area == nullptr; above = above->parentWidget())
      area = qobject_cast<QScrollArea*>(above);
    const int before = spin->value();
    QTRY_VERIFY(area->verticalScrollBar()->maximum() > 0);
    turnWheel(spin);
    QVERIFY(area->verticalScrollBar()->value() > 0);
    QCOMPARE(spin->value(), before);
    QVERIFY(!spin->hasFocus());
  }

  void aFieldThatWasClickedOrReachedByTabTakesTheWheel() {
    SettingsDialog dialog(m_window->settings(), m_window->engine().jobs());
    dialog.show();
    dialog.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&dialog));
    auto* spin = dialog.findChild<QSpinBox*>(QStringLiteral("model/context"));
    spin->setValue(4096);
    QTest::mouseClick(spin, Qt::LeftButton, {}, QPoint(12, spin->height() / 2));
    QVERIFY(spin->hasFocus());
    QVERIFY(turnWheel(spin));
    QCOMPARE(spin->value(), 4095);
    QTest::keyClick(&dialog, Qt::Key_Tab);
    QVERIFY(!spin->hasFocus());
    turnWheel(spin);
    QCOMPARE(spin->value(), 4095);
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Backtab);
    QVERIFY(spin->hasFocus());
    turnWheel(spin);
    QCOMPARE(spin->value(), 4094);
  }

  // In every layout: each stop can be seen, and stopping there chooses nothing.
  void tabVisitsWhatIsShownAndChoosesNothing() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello there"));
    m_window->resize(1300, 800);
    m_window->activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(m_window.window()));
    using Preset = MainWindow::Preset;
    for (const auto preset : {Preset::chat, Preset::inspect, Preset::memory}) {
      m_window->showPreset(preset);
      checkStops();
      // With each dock that stands behind a tab brought to the front in turn.
      for (const char* name : {"slotsDock", "timelineDock", "hotSetDock"}) {
        auto* dock = m_window->findChild<QDockWidget*>(QLatin1String(name));
        if (dock->isHidden()) continue;
        dock->raise();
        checkStops();
      }
    }
  }

  void focusChoosesNoRowOfATable() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello there"));
    m_window->showPreset(MainWindow::Preset::memory);
    auto* slots_ = m_window->findChild<SlotsView*>();
    QTRY_VERIFY(slots_->table()->rowCount() > 0);
    auto* rows = slots_->findChild<QTableView*>();
    rows->setFocus(Qt::TabFocusReason);
    QTRY_VERIFY(rows->hasFocus());
    QVERIFY(!m_window->selection().pinned());
    QTest::keyClick(rows, Qt::Key_Down);
    QVERIFY(m_window->selection().pinned());

    OpenModelDialog open(m_window->settings(), {}, {m_window.model()}, m_window->engine().jobs());
    open.QDialog::show();
    open.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&open));
    const QString path = open.path();
    auto* recent = open.findChild<QListWidget*>();
    recent->setFocus(Qt::TabFocusReason);
    QVERIFY(recent->hasFocus());
    QCOMPARE(open.path(), path);
    QTest::keyClick(recent, Qt::Key_Space);
    QCOMPARE(open.path(), m_window.model());
  }

 private:
  void checkStops() {
    QCoreApplication::processEvents();
    m_window->selection().clear();
    QWidget* first = m_window->panel()->composer()->edit();
    first->setFocus();
    int stops = 0;
    do {
      QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
      QWidget* stop = QApplication::focusWidget();
      QVERIFY(stop != nullptr);
      const QString name = QString::fromLatin1(stop->metaObject()->className()) + QLatin1Char(' ') +
                           stop->accessibleName();
      QVERIFY2(stop->isVisible(), qPrintable(name));
      // What the widgets around it leave of it.
      QRect seen = stop->rect();
      for (QWidget* at = stop; !at->isWindow(); at = at->parentWidget()) {
        seen = seen.translated(at->pos()) & at->parentWidget()->rect();
      }
      QVERIFY2(!seen.isEmpty(), qPrintable(name));
      QVERIFY2(!m_window->selection().shown(), qPrintable(name));
      QVERIFY2(++stops < 60, "Tab does not come round");
    } while (QApplication::focusWidget() != first);
    QVERIFY(stops > 5);
  }

  test::OpenedWindow m_window;
};

UI_TEST(WindowFocusTest)
#include "window_focus_test.moc"
