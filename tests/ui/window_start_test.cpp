// SPDX-License-Identifier: Apache-2.0
// What the window says and looks like when it is opened, on what the last one left.
#include <QAction>
#include <QCheckBox>
#include <QDebug>
#include <QDir>
#include <QDockWidget>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QScreen>
#include <QSignalSpy>
#include <QSpinBox>
#include <QToolButton>

#include "gpu/backend.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/inspect/budget_control.h"
#include "ui/views/window/message_line.h"
#include "ui/views/window/open_model_dialog.h"
#include "ui/views/window/settings_dialog.h"

using namespace mneme;

class WindowStartTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    m_bad = QString::fromStdString(m_files.file("bad.gguf"));
    QFile bad(m_bad);
    QVERIFY(bad.open(QIODevice::WriteOnly));
    bad.write("not a model");
  }

  void cleanup() { m_window.reset(); }

  void aModelThatCannotBeOpenedIsToldAboveTheChatOfTheLastTime() {
    start();
    m_window->openTiny();
    m_window->ask(QStringLiteral("hello there"));
    m_window->open([&](WindowSetup& setup) {
      setup.settings->set("model/open_at_start", true);
      setup.settings->set("model/path", m_bad.toStdString());
    });
    QTRY_COMPARE(window()->conversation().transcript().rowCount(), 2);
    QVERIFY(window()->panel()->view()->isVisible());
    Banner* banner = window()->panel()->banner();
    QTRY_VERIFY(banner->isVisible());
    QCOMPARE(banner->kind(), Banner::Kind::error);
    QVERIFY2(banner->text().contains(QStringLiteral("bad.gguf")), qPrintable(banner->text()));
    banner->actionButton()->click();
    QVERIFY(window()->findChild<OpenModelDialog*>() != nullptr);
  }

  void aModelThatIsNotThereIsToldAndNotForgotten() {
    start([&](WindowSetup& setup) {
      setup.settings->set("model/open_at_start", true);
      setup.settings->set("model/path", m_files.file("gone.gguf"));
    });
    Banner* banner = window()->panel()->banner();
    QVERIFY(banner->text().contains(QStringLiteral("gone.gguf is not there")));
    QCOMPARE(banner->kind(), Banner::Kind::error);
    QCOMPARE(window()->engine().state(), EngineHost::State::empty);
    // The default one in its place is not what the next start asks for.
    m_window->open([&](WindowSetup& setup) {
      setup.settings->set("model/open_at_start", true);
      setup.settings->set("model/path", m_files.file("gone.gguf"));
      setup.defaultModel = m_window->model();
    });
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    QVERIFY(window()->panel()->banner()->text().contains(QStringLiteral("gone.gguf")));
    QCOMPARE(window()->settings().now().engine.model_path, m_files.file("gone.gguf"));
  }

  void aModelThatFailsIsNotTheOneOfTheNextStart() {
    start();
    m_window->openTiny();
    QSignalSpy failed(&window()->engine(), &EngineHost::openFailed);
    window()->openModel(m_bad, {});
    QTRY_COMPARE(failed.count(), 1);
    QCOMPARE(window()->settings().now().engine.model_path, m_window->model().toStdString());
    const QString told = window()->panel()->banner()->text();
    QVERIFY2(told.contains(QStringLiteral("tiny.gguf stays open.")), qPrintable(told));
  }

  // The one before had to make room for it.
  void aModelThatFailsWithNoneLeftOpenSaysSoAndOffersTheOneBefore() {
    start();
    m_window->openTiny();
    EngineOptions options;
    options.model_path = m_window->model().toStdString();
    options.open_device = [](const BackendOptions&) -> Result<std::unique_ptr<Backend>> {
      return Error{ErrorCode::device, "the card is gone"};
    };
    window()->engine().openModel(options);
    Banner* banner = window()->panel()->banner();
    QTRY_VERIFY(banner->isVisible());
    QCOMPARE(banner->kind(), Banner::Kind::error);
    QCOMPARE(banner->text(),
             QStringLiteral("the card is gone. tiny.gguf was closed to make room for it: no model "
                            "is open now."));
    QCOMPARE(window()->engine().state(), EngineHost::State::empty);
    banner->actionButton()->click();
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    QCOMPARE(window()->engine().layout()->path, m_window->model().toStdString());
  }

  void aModelThatTheUserClosedMeanwhileDidNotMakeRoom() {
    start();
    m_window->openTiny();
    QSignalSpy failed(&window()->engine(), &EngineHost::openFailed);
    window()->openModel(m_bad, {});
    window()->action("closeModel")->trigger();
    QTRY_COMPARE(failed.count(), 1);
    const QString told = window()->panel()->banner()->text();
    QVERIFY2(told.contains(failed[0][0].toString()), qPrintable(told));
    QVERIFY2(!told.contains(QStringLiteral("make room")), qPrintable(told));
  }

  void aNoticeDoesNotTakeTheErrorAway() {
    start();
    Banner banner;
    banner.tell(Banner::Kind::error, QStringLiteral("first"));
    banner.tell(Banner::Kind::notice, QStringLiteral("second"), 60000);
    QCOMPARE(banner.text(), QStringLiteral("second"));
    banner.tell(Banner::Kind::notice, QStringLiteral("third"));
    auto* close = banner.findChildren<QPushButton*>().last();
    close->click();
    QCOMPARE(banner.text(), QStringLiteral("first"));
    close->click();
    QVERIFY(banner.isHidden());
  }

  void anErrorOfTheOpenDialogLooksLikeOneAndStandsAtThePath() {
    start();
    Jobs jobs;
    OpenModelDialog dialog(window()->settings(), m_bad, {}, jobs);
    dialog.QDialog::show();
    auto* problem = dialog.findChild<MessageLine*>(QStringLiteral("problem"));
    QTRY_VERIFY(problem->isVisible());
    QCOMPARE(problem->kind(), MessageLine::Kind::error);
    QCOMPARE(problem->palette().color(QPalette::WindowText), Theme::current().error);
    const auto* field = dialog.findChildren<QLineEdit*>().last();
    QVERIFY(problem->y() > field->y() && problem->y() < field->geometry().bottom() + 40);
    // Painted in that colour.
    const QImage image = problem->grab().toImage();
    bool red = false;
    for (int x = 0; x < image.width() && !red; ++x) {
      for (int y = 0; y < image.height() && !red; ++y) {
        red = image.pixelColor(x, y) == Theme::current().error;
      }
    }
    QVERIFY(red);
    for (const QLabel* label : dialog.findChildren<QLabel*>()) {
      QVERIFY2(!label->isVisible() || label->text() != QStringLiteral("RAM needed"),
               "nothing is known of it");
    }
    dialog.setPath(QStringLiteral(" file://%1 ").arg(m_window->model()));
    QTRY_VERIFY(problem->isHidden());
    QCOMPARE(dialog.path(), m_window->model());
  }

  void thePathsOfTheSettingsAreReadAsMeant() {
    start();
    SettingsDialog dialog(window()->settings(), window()->engine().jobs());
    dialog.show();
    auto* field = dialog.findChild<QLineEdit*>(QStringLiteral("model/path"));
    field->setText(QStringLiteral(" ~/no such model.gguf "));
    const QString path = QDir::homePath() + QStringLiteral("/no such model.gguf");
    QCOMPARE(QString::fromStdString(dialog.edited().engine.model_path), path);
    const auto* problem = field->parentWidget()->findChild<MessageLine*>();
    QVERIFY(problem->isVisible());
    QVERIFY(problem->text().contains(path));
    field->setText(m_window->model());
    QVERIFY(problem->isHidden());
  }

  void theBudgetOfTheSliderSurvivesAndCanBeAutomaticAgain() {
    start();
    m_window->openTiny();
    const quint64 automatic = window()->engine().tiers().budget_bytes;
    window()->showPreset(MainWindow::Preset::memory);
    auto* number = window()->findChild<BudgetControl*>()->findChild<QSpinBox*>();
    QTRY_VERIFY(number->maximum() > 1);
    number->setValue(2);
    QTRY_COMPARE(window()->settings().now().engine.ram_budget, std::uint64_t{2} << 20);
    m_window->open();
    m_window->openTiny();
    QCOMPARE(window()->engine().tiers().budget_bytes, quint64{2} << 20);
    auto* control = window()->findChild<BudgetControl*>();
    auto* program = control->findChild<QCheckBox*>();
    QTRY_COMPARE(control->findChild<QSpinBox*>()->value(), 2);
    QVERIFY(!program->isChecked());
    program->click();
    QTRY_COMPARE(window()->engine().tiers().budget_bytes, automatic);
    window()->close();
    QCOMPARE(window()->settings().now().engine.ram_budget, std::uint64_t{0});
  }

  void theFirstStartShowsTheChat() {
    start();
    QVERIFY(window()->action("presetChat")->isChecked());
    for (const char* name : {"tokenDock", "stripDock", "slotsDock", "tiersDock", "hotSetDock"}) {
      QVERIFY2(window()->findChild<QDockWidget*>(QLatin1String(name))->isHidden(), name);
    }
  }

  void aWindowLargerThanTheScreenComesBackWhole() {
    start();
    window()->resize(5000, 3000);
    window()->move(2000, 1500);
    m_window->open();
    const QRect room = window()->screen()->availableGeometry();
    QVERIFY2(room.contains(window()->geometry()),
             qPrintable(QDebug::toString(window()->geometry())));
  }

  void docksGetTheirRoomBackAfterASmallWindow() {
    start();
    using Preset = MainWindow::Preset;
    for (const auto preset : {Preset::inspect, Preset::memory}) {
      window()->resize(1440, 900);
      window()->showPreset(preset);
      QCoreApplication::processEvents();
      const auto sizes = [&] {
        QList<QSize> all;
        for (const char* name : {"chatsDock", "tokenDock", "stripDock", "slotsDock", "tiersDock"}) {
          const auto* dock = window()->findChild<QDockWidget*>(QLatin1String(name));
          if (!dock->isHidden() && dock->x() >= 0) all << dock->size();
        }
        return all;
      };
      const QList<QSize> before = sizes();
      QVERIFY(before.size() >= 3);
      window()->resize(1024, 640);
      QCoreApplication::processEvents();
      QCOMPARE(window()->size(), QSize(1024, 640));
      window()->resize(1440, 900);
      QCoreApplication::processEvents();
      const QList<QSize> after = sizes();
      QCOMPARE(after.size(), before.size());
      for (qsizetype i = 0; i < after.size(); ++i) {
        const QSize change = after[i] - before[i];
        QVERIFY2(std::abs(change.width()) <= 4 && std::abs(change.height()) <= 4,
                 qPrintable(QDebug::toString(before) + QDebug::toString(after)));
      }
    }
  }

  // In a small window what the header has no room for is in the menu at its end.
  void everythingOfTheHeaderIsReachedInASmallWindow() {
    start();
    m_window->openTiny();
    m_window->ask(QStringLiteral("hello there"));
    window()->showPreset(MainWindow::Preset::inspect);
    auto* overflow = window()->findChild<QToolButton*>(QStringLiteral("headerOverflow"));
    int hidden = 0;
    for (const int width : {1440, 1024, 900, 800}) {
      window()->resize(width, 640);
      QCoreApplication::processEvents();
      QStringList offered;
      if (overflow->isVisible()) {
        Q_EMIT overflow->menu()->aboutToShow();
        for (const QAction* action : overflow->menu()->actions()) offered << action->text();
      }
      hidden += static_cast<int>(offered.size());
      int parts = 0;
      for (auto* button : window()->panel()->findChildren<QAbstractButton*>()) {
        const bool part = button->text() == QStringLiteral("Chat settings") ||
                          button->text().startsWith(QStringLiteral("N-gram memory")) ||
                          button->text() == QStringLiteral("Gate ink");
        if (!part) continue;
        ++parts;
        QVERIFY2(button->isVisible() != offered.contains(button->text()),
                 qPrintable(button->text()));
        if (!button->isVisible()) continue;
        QVERIFY2(button->width() >= button->sizeHint().width(), qPrintable(button->text()));
        QVERIFY(button->geometry().right() < window()->panel()->width());
      }
      QCOMPARE(parts, 3);
    }
    QVERIFY(hidden > 0);
  }

 private:
  void start(const std::function<void(WindowSetup&)>& change = {}) {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->open(change);
  }
  MainWindow* window() const { return m_window->window(); }

  TemporaryFolder m_files;
  QString m_bad;
  std::unique_ptr<test::OpenedWindow> m_window;
};

UI_TEST(WindowStartTest)
#include "window_start_test.moc"
