// SPDX-License-Identifier: Apache-2.0
// The whole program in a real window with the default model: types a prompt, waits for the answer,
// clicks a token, compares its card with `mneme-cli inspect`, takes pictures in both themes, closes
// and opens again. Started by with_display.sh, so that there is a display and a window manager.
#include <QApplication>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QPlainTextEdit>
#include <QProcess>
#include <QScreen>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <filesystem>
#include <optional>

#include "app/application.h"
#include "inference/text/tokenizer.h"
#include "tests/app/window_test_main.h"
#include "tests/support/default_model.h"
#include "tests/support/test_paths.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/inspect/token_card.h"
#include "ui/views/start/found_card.h"
#include "ui/views/start/machine_card.h"
#include "ui/views/start/start_page.h"
#include "ui/views/window/callout.h"
#include "ui/views/window/start_guide.h"
#include "ui/views/window/switch_button.h"
#include "ui/views/window/tour.h"

namespace mneme {
namespace {

constexpr int kOpenMs = 120'000;
constexpr int kAnswerMs = 240'000;
const char* const kPrompt = "Only Alexander the Great could tame the horse Bucephalus. Who was he?";

// What `inspect --json` says of one n-gram's head.
struct InspectLine {
  int position = 0;
  int layer = 0;
  int order = 0;
  int head = 0;
  quint64 row = 0;
  QString text;
  double gate = 0;
  double write = 0;
};

}  // namespace

class EndToEndTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  const QString m_pack =
      QString::fromStdString(source_path("resources/models/SmolLM2-135M-Instruct.memory.gguf"));
  std::vector<InspectLine> m_inspected;

  std::unique_ptr<Application> open() {
    QString problem;
    const SettingValues flags = {{"model/path", default_model_path()},
                                 {"model/memory", m_pack.toStdString()},
                                 {"model/open_at_start", true},
                                 {"window/theme", "light"}};
    auto application = Application::open({flags, m_folder.path()}, &problem);
    if (!application) qWarning("%s", qPrintable(problem));
    if (!application) return nullptr;
    application->window().resize(1440, 900);
    application->window().show();
    application->window().start();
    return application;
  }

  QByteArray cli(const QStringList& arguments) {
    QProcess process;
    process.start(QStringLiteral(MNEME_CLI), arguments);
    if (!process.waitForFinished(kOpenMs) || process.exitCode() != 0) {
      qWarning("mneme-cli %s: %s", qPrintable(arguments.join(QLatin1Char(' '))),
               process.readAllStandardError().constData());
      return {};
    }
    return process.readAllStandardOutput();
  }

  void inspect() {
    const QByteArray lines =
        cli({QStringLiteral("inspect"), QStringLiteral("--chat"), QStringLiteral("--json"),
             QStringLiteral("-p"), QLatin1String(kPrompt), QStringLiteral("-m"),
             QString::fromStdString(default_model_path()), QStringLiteral("--memory"), m_pack});
    for (const QByteArray& line : lines.split('\n')) {
      if (line.isEmpty()) continue;
      const QJsonObject object = QJsonDocument::fromJson(line).object();
      const auto number = [&](const char* key) {
        return object.value(QLatin1String(key)).toInt(-1);
      };
      m_inspected.push_back({number("position"), number("layer"), number("order"), number("head"),
                             static_cast<quint64>(object.value(QLatin1String("row")).toDouble()),
                             object.value(QLatin1String("text")).toString(),
                             object.value(QLatin1String("gate")).toDouble(),
                             object.value(QLatin1String("write")).toDouble()});
    }
  }

  // What the labels of a part say.
  static QString wordsOf(const QWidget* part) {
    QStringList lines;
    for (const QLabel* label : part->findChildren<QLabel*>()) lines << label->text();
    return lines.join(QLatin1Char('\n'));
  }

  void pictures(MainWindow& window, const QString& name) {
    picture(window, qPrintable(name + QStringLiteral("-light")));
    Theme::choose(Theme::Choice::dark);
    picture(window, qPrintable(name + QStringLiteral("-dark")));
    Theme::choose(Theme::Choice::light);
  }

  // Where a token of message `row` is drawn, in the viewport; with ink on.
  std::optional<QPoint> findToken(ChatView& view, int row, EventIndex event) {
    const QRect rect = view.messageRect(row);
    const MessageItem& item = view.messageItem(row);
    for (int y = 0; y < rect.height(); y += 3) {
      for (int x = 0; x < rect.width(); x += 3) {
        if (item.hitTest(QPointF(x, y)).token == event)
          return rect.topLeft() + QPoint(x + 1, y + 1);
      }
    }
    return std::nullopt;
  }

  void compareCard(const TokenFacts& facts) {
    int compared = 0;
    for (const InspectLine& line : m_inspected) {
      if (line.position != static_cast<int>(facts.header.position)) continue;
      QString text = line.text;
      if (text.startsWith(QLatin1Char(' '))) text[0] = QChar(0x2423);  // as the card shows blanks
      QCOMPARE(facts.text, text);
      for (std::size_t slot = 0; slot < facts.layers.size(); ++slot) {
        if (facts.layers[slot].name != QStringLiteral("layer %1").arg(line.layer)) continue;
        // Prefill in other chunks rounds activations otherwise, in the third digit at most.
        QVERIFY2(std::abs(facts.layers[slot].gate - line.gate) < 0.02, "gate");
        QVERIFY2(std::abs(facts.layers[slot].write - line.write) < 0.02, "write");
        const NgramFacts& ngram = facts.ngrams[static_cast<std::size_t>(line.order - 2)];
        QCOMPARE(ngram.order, line.order);
        QCOMPARE(quint64(ngram.layers[slot].rows[static_cast<std::size_t>(line.head)]), line.row);
        ++compared;
      }
    }
    QVERIFY(!facts.layers.empty());
    QCOMPARE(compared, static_cast<int>(facts.layers.size()) * 2 * 8);  // orders, heads
  }

  void picture(MainWindow& window, const char* name) {
    QTest::qWait(300);
    QDir().mkpath(QStringLiteral(MNEME_PICTURES));
    const QPixmap pixels = window.screen()->grabWindow(window.winId());
    QVERIFY(!pixels.isNull() && pixels.width() >= 1200);
    QVERIFY(pixels.save(QStringLiteral(MNEME_PICTURES "/%1.png").arg(QLatin1String(name))));
  }

 private Q_SLOTS:
  void initTestCase() {
    if (!std::filesystem::exists(default_model_path())) {
      QSKIP("the default model is not here: `./dev run` fetches it");
    }
    inspect();
    QVERIFY(!m_inspected.empty());
  }

  void aPromptIsAnsweredItsTokensExplainedAndAllOfItKept() {
    QString answer;
    EventIndex chosen = 0;
    {
      auto application = open();
      QVERIFY(application);
      MainWindow& window = application->window();
      QVERIFY(QTest::qWaitForWindowActive(&window, 20'000));
      QTRY_COMPARE_WITH_TIMEOUT(window.engine().state(), EngineHost::State::ready, kOpenMs);
      QPlainTextEdit* edit = window.panel()->composer()->edit();
      edit->setFocus();
      QTest::keyClicks(edit, QLatin1String(kPrompt));
      QTest::keyClick(edit, Qt::Key_Return);
      QTRY_VERIFY_WITH_TIMEOUT(window.conversation().answering(), 20'000);
      QTRY_VERIFY_WITH_TIMEOUT(!window.conversation().answering(), kAnswerMs);
      const auto& items = window.conversation().transcript().items();
      QCOMPARE(items.size(), std::size_t{2});
      QCOMPARE(items[0].text, QLatin1String(kPrompt));
      answer = items[1].text;
      QVERIFY(!answer.trimmed().isEmpty());
      QVERIFY(items[1].row.end_event > items[1].row.first_event);

      window.showPreset(MainWindow::Preset::inspect);
      window.panel()->setInk(true);
      QTest::qWait(500);
      ChatView* view = window.panel()->view();
      view->verticalScrollBar()->setValue(0);
      QTest::qWait(200);
      // The token that completes "Alexander the Great".
      for (EventIndex e = items[0].row.first_event; e < items[0].row.end_event; ++e) {
        if (window.engine().model()->tokenizer().decode(window.branch().record(e).token()) ==
            " Great")
          chosen = e;
      }
      QVERIFY(chosen != 0);
      const auto point = findToken(*view, 0, chosen);
      QVERIFY(point.has_value());
      QTest::mouseMove(view->viewport(), *point);
      QTest::mouseClick(view->viewport(), Qt::LeftButton, {}, *point);
      QCOMPARE(window.selection().pinned(), std::optional<EventIndex>(chosen));
      const auto* card = window.findChild<TokenCard*>();
      QVERIFY(card != nullptr && card->isVisible());
      QTRY_VERIFY(card->facts().has_value());
      compareCard(*card->facts());
      picture(window, "inspect-light");
      Theme::choose(Theme::Choice::dark);
      picture(window, "inspect-dark");
      Theme::choose(Theme::Choice::light);
    }
    // Another start finds the chat, its ink and its card.
    auto application = open();
    QVERIFY(application);
    MainWindow& window = application->window();
    QTRY_COMPARE_WITH_TIMEOUT(window.engine().state(), EngineHost::State::ready, kOpenMs);
    const auto& items = window.conversation().transcript().items();
    QTRY_COMPARE_WITH_TIMEOUT(items.size(), std::size_t{2}, 20'000);
    QCOMPARE(items[1].text, answer);
    window.panel()->setInk(true);
    window.selection().pin(chosen);
    const auto* card = window.findChild<TokenCard*>();
    QVERIFY(card != nullptr);
    QTRY_VERIFY(card->facts().has_value() && card->facts()->event == chosen);
    compareCard(*card->facts());
  }

  // With the default model installed: what the machine is, a press to the chat, the tour.
  void aFirstStartLeadsToTheChatAndThroughTheTour() {
    const QTemporaryDir place;
    const QString models = place.filePath(QStringLiteral("models"));
    QVERIFY(QDir().mkpath(models));
    const QString model = QString::fromStdString(default_model_path());
    for (const QString& file : {model, m_pack})
      QVERIFY(QFile::link(file, models + QLatin1Char('/') + QFileInfo(file).fileName()));
    QString problem;
    auto application = Application::open({{{"window/theme", "light"}}, place.path()}, &problem);
    QVERIFY2(application, qPrintable(problem));
    MainWindow& window = application->window();
    window.resize(1440, 900);
    window.show();
    window.start();
    QVERIFY(QTest::qWaitForWindowActive(&window, 20'000));
    StartPage* page = window.guide().page();
    QVERIFY(page != nullptr && page->isVisible());
    QTRY_COMPARE_WITH_TIMEOUT(window.engine().state(), EngineHost::State::ready, kOpenMs);
    QVERIFY(window.guide().page() == page);
    const auto known = [&](QWidget* part, const char* words) {
      return wordsOf(part).contains(QLatin1String(words));
    };
    QTRY_VERIFY_WITH_TIMEOUT(
        known(page->machine(), "Tables\nn-gram") || known(page->machine(), "not measured"),
        kOpenMs);
    QTRY_VERIFY_WITH_TIMEOUT(known(page->found(), "1 model") || known(page->found(), " models"),
                             kOpenMs);
    pictures(window, QStringLiteral("first-start"));
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);  // "Start chatting"
    QVERIFY(window.guide().page() == nullptr);
    Banner* banner = window.panel()->banner();
    QVERIFY(banner->isVisible());
    pictures(window, QStringLiteral("tour-offered"));
    banner->actionButton()->click();
    for (int step = 1; step <= 3; ++step) {
      QVERIFY(window.guide().tour() != nullptr);
      QTRY_COMPARE_WITH_TIMEOUT(window.guide().tour()->step(), step, kAnswerMs);
      QTRY_VERIFY(window.guide().tour()->callout()->isVisible());
      pictures(window, QStringLiteral("tour-%1").arg(step));
      window.guide().tour()->callout()->nextButton()->click();
    }
    QVERIFY(window.guide().tour() == nullptr);
    // The memory had part in the answer.
    const auto& items = window.conversation().transcript().items();
    QCOMPARE(items.size(), std::size_t{2});
    QVERIFY2(items[1].text.contains(QStringLiteral("respiration")), qPrintable(items[1].text));
  }
};

}  // namespace mneme

WINDOW_TEST_MAIN(mneme::EndToEndTest)
#include "end_to_end_test.moc"
