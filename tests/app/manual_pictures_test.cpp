// SPDX-License-Identifier: Apache-2.0
// Takes the pictures of the manual: the program with the default model, answering what its n-gram
// memory knows. They go into the folder of pictures; whoever renews the manual copies them from
// there (CONTRIBUTING.md). Started by with_display.sh.
#include <QApplication>
#include <QDir>
#include <QDockWidget>
#include <QLabel>
#include <QPainter>
#include <QPlainTextEdit>
#include <QStatusBar>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <filesystem>

#include "app/application.h"
#include "tests/app/window_test_main.h"
#include "tests/support/default_model.h"
#include "tests/support/test_paths.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/inspect/hot_set_canvas.h"
#include "ui/views/window/open_model_dialog.h"

namespace mneme {
namespace {

constexpr int kPageWidth = 720;  // of a page of the manual
const char* const kPack = "SmolLM2-135M-Instruct.memory.gguf";

}  // namespace

class ManualPicturesTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QTemporaryDir m_home;
  QString m_model;
  std::unique_ptr<Application> m_application;

  MainWindow& window() { return m_application->window(); }

  void ask(const QString& question) {
    Conversation& chat = window().conversation();
    const int rows = chat.transcript().rowCount();
    window().panel()->composer()->setText(question);
    QTest::keyClick(window().panel()->composer()->edit(), Qt::Key_Return);
    QTRY_COMPARE_WITH_TIMEOUT(chat.transcript().rowCount(), rows + 2, 60'000);
    QTRY_VERIFY_WITH_TIMEOUT(!chat.answering(), 240'000);
  }

  void resize(int width, int height) {
    window().resize(width, height);
    QTest::qWait(300);
  }

  // Also what is drawn a little later.
  QImage grab(QWidget& widget, QRect part = {}) {
    QTest::qWait(400);
    return widget.grab(part.isNull() ? widget.rect() : part).toImage();
  }

  QRect placeOf(const QWidget* widget) {
    return {widget->mapTo(&window(), QPoint(0, 0)), widget->size()};
  }

  QDockWidget* dock(const char* name) {
    auto* found = window().findChild<QDockWidget*>(QLatin1String(name));
    CHECK(found != nullptr);
    return found;
  }

  // Colours of letters' edges that no eye tells apart are one, so that the file is small.
  static QImage simpler(QImage picture) {
    picture.convertTo(QImage::Format_RGB32);
    for (int y = 0; y < picture.height(); ++y) {
      auto* line = reinterpret_cast<QRgb*>(picture.scanLine(y));
      for (int x = 0; x < picture.width(); ++x) {
        const auto near = [](int value) { return value >= 0xE0 ? value : value & 0xF0; };
        line[x] = qRgb(near(qRed(line[x])), near(qGreen(line[x])), near(qBlue(line[x])));
      }
    }
    return picture;
  }

  void save(const QImage& picture, const char* name) {
    constexpr int kSmallest = 0;  // of the file
    const QString folder = QStringLiteral(MNEME_PICTURES "/manual");
    QDir().mkpath(folder);
    const QString size =
        QStringLiteral("%1: %2 pixels").arg(QLatin1String(name)).arg(picture.width());
    QVERIFY2(picture.width() <= kPageWidth, qPrintable(size));
    QVERIFY(simpler(picture).save(QStringLiteral("%1/%2.png").arg(folder, QLatin1String(name)),
                                  "PNG", kSmallest));
  }

  // Question and answer of the chat, with what stands above them.
  QImage chat() {
    QRect part = placeOf(window().panel());
    const ChatView* view = window().panel()->view();
    const int last = window().conversation().transcript().rowCount() - 1;
    const int below = view->messageRect(last).bottom() + 12;
    part.setBottom(placeOf(view->viewport()).top() + below);
    return grab(window(), part);
  }

 private Q_SLOTS:
  void initTestCase() {
    if (!std::filesystem::exists(default_model_path())) {
      QSKIP("the default model is not here: `./dev run` fetches it");
    }
    // The pictures show a home that is nobody's.
    const std::filesystem::path models = m_home.filePath(QStringLiteral("models")).toStdString();
    std::filesystem::create_directory(models);
    const std::filesystem::path model = default_model_path();
    std::filesystem::create_symlink(model, models / model.filename());
    std::filesystem::create_symlink(source_path(std::string("resources/models/") + kPack),
                                    models / kPack);
    qputenv("HOME", m_home.path().toLocal8Bit());
    m_model = QString::fromStdString("~/models/" + model.filename().string());
    const SettingValues flags = {{"model/path", (models / model.filename()).string()},
                                 {"model/memory", std::string()},
                                 {"model/open_at_start", true},
                                 {"model/device", std::string("cpu")},
                                 {"new_chats/temperature", 0.0},
                                 {"window/theme", std::string("light")}};
    QString problem;
    m_application = Application::open({flags, m_folder.path()}, &problem);
    QVERIFY2(m_application, qPrintable(problem));
    window().setAnimated(false);
    window().resize(940, 640);
    window().show();
    window().start();
    QTRY_COMPARE_WITH_TIMEOUT(window().engine().state(), EngineHost::State::ready, 120'000);
    QVERIFY(window().engine().layout()->memory.has_value());
    dock("chatsDock")->hide();
    window().statusBar()->hide();  // needs more width than a page has, and is on none
  }

  void overview() {
    resize(kPageWidth, 640);
    ask(QStringLiteral("Who was George Washington?"));
    window().panel()->setInk(true);
    save(chat(), "index");
  }

  void views() {
    window().showPreset(MainWindow::Preset::inspect);
    dock("chatsDock")->hide();
    dock("tiersDock")->hide();
    dock("hotSetDock")->hide();
    resize(kPageWidth, 615);
    window().resizeDocks({dock("tokenDock")}, {300}, Qt::Horizontal);
    window().resizeDocks({dock("stripDock")}, {250}, Qt::Vertical);
    const BranchTrace& branch = window().branch();
    for (int i = branch.size() - 1; i > 0; --i) {  // the end of "the 1st"
      if (window().engine().model()->tokenizer().decode(branch.recordAt(i).token()) != "st")
        continue;
      window().selection().pin(branch.eventAt(i));
      break;
    }
    QRect part = window().rect();
    part.setTop(placeOf(window().panel()).top());
    part.setBottom(placeOf(dock("stripDock")).bottom());
    save(grab(window(), part), "reading-the-views");
  }

  void withoutTheMemory() {
    window().showPreset(MainWindow::Preset::chat);
    dock("chatsDock")->hide();
    window().panel()->setInk(false);
    resize(kPageWidth, 640);
    QImage answers[2];
    for (const bool on : {true, false}) {
      window().action("newChat")->trigger();
      window().panel()->setMemory(on);
      ask(QStringLiteral("What does long time mean?"));
      window().panel()->banner()->close();
      answers[on ? 0 : 1] = chat();
    }
    QImage both(kPageWidth, answers[0].height() + answers[1].height() + 1, QImage::Format_RGB32);
    both.fill(Theme::current().border);
    QPainter painter(&both);
    painter.drawImage(0, 0, answers[0]);
    painter.drawImage(0, answers[0].height() + 1, answers[1]);
    painter.end();
    save(both, "training-a-memory");
    window().panel()->setMemory(true);
  }

  void budget() {
    window().action("newChat")->trigger();
    for (const char* question :
         {"What does armed forces mean?", "What does surgical procedure mean?",
          "What does electrical device mean?", "What does long time mean?"}) {
      ask(QLatin1String(question));
    }
    window().showPreset(MainWindow::Preset::memory);
    dock("chatsDock")->hide();
    dock("slotsDock")->hide();
    dock("timelineDock")->hide();
    resize(kPageWidth, 760);
    save(grab(*dock("tiersDock")), "choosing-a-budget");
  }

  void table() {
    QDockWidget* hotSet = dock("hotSetDock");
    hotSet->raise();
    QTest::qWait(300);
    const QRect map = placeOf(hotSet->findChild<HotSetCanvas*>());
    save(grab(window(), map.adjusted(-8, -6, 8, 4)), "formats");
  }

  void opening() {
    OpenModelDialog dialog(window().settings(), m_model, {}, window().engine().jobs());
    dialog.open();
    const auto estimated = [&dialog] {  // "Together 429 MB; ..."
      const auto labels = dialog.findChildren<QLabel*>();
      return std::ranges::any_of(labels, [](const QLabel* label) {
        return label->text().startsWith(QLatin1String("Together"));
      });
    };
    QTRY_VERIFY_WITH_TIMEOUT(estimated(), 20'000);
    save(grab(dialog), "large-models");
  }

  void message() {
    window().showPreset(MainWindow::Preset::chat);
    dock("chatsDock")->hide();
    resize(kPageWidth, 480);
    window().openModel(m_home.filePath(QStringLiteral("models/") + QLatin1String(kPack)), {});
    QTRY_VERIFY(!window().panel()->banner()->text().isEmpty());
    const auto* banner = window().panel()->banner();
    QRect part = placeOf(window().panel());
    part.setTop(placeOf(banner).top() - 10);
    save(grab(window(), part), "messages");
  }
};

}  // namespace mneme

WINDOW_TEST_MAIN(mneme::ManualPicturesTest)
#include "manual_pictures_test.moc"
