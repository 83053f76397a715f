// SPDX-License-Identifier: Apache-2.0
// Settings on the real engine: what a change does at once, and what waits for the model to be
// opened again.
#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QSettings>
#include <QSignalSpy>
#include <QSpinBox>

#include "gpu/backend.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/chat/banner.h"
#include "ui/views/window/chat_settings_dialog.h"
#include "ui/views/window/settings_dialog.h"

using namespace mneme;
using namespace mneme::test;

class WindowSettingsTest : public QObject {
  Q_OBJECT

 private:
  AppSettings& settings() { return m_window->settings(); }
  Jobs& jobs() { return m_window->engine().jobs(); }
  Banner* banner() { return m_window->panel()->banner(); }
  std::int64_t context() { return m_window->engine().layout()->context; }
  void duringAnAnswer(const std::function<void()>& act) {
    bool acted = false;
    const auto once = connect(&m_window->engine(), &EngineHost::answerProgress, this, [&] {
      if (std::exchange(acted, true)) return;
      QVERIFY(m_window->conversation().answering());
      act();
    });
    m_window.write(QStringLiteral("hello there"));
    QTRY_VERIFY(acted);
    disconnect(once);
  }
  static QString shownText(const QWidget& dialog) {
    QString text;
    for (const QLabel* label : dialog.findChildren<QLabel*>()) {
      if (label->isVisibleTo(&dialog)) text += label->text() + QLatin1Char('\n');
    }
    return text;
  }
  static QPushButton* backButton(const QWidget& dialog, const QString& name) {
    for (auto* button : dialog.findChildren<QPushButton*>()) {
      if (button->isVisibleTo(&dialog) && button->accessibleName().startsWith(name)) return button;
    }
    return nullptr;
  }

 private Q_SLOTS:
  void init() { m_window.open(); }
  void cleanup() {
    m_window.startOver();
    Theme::choose(Theme::Choice::light);
  }

  // Each of those that the engine reads when it opens a model.
  void aChangeThatNeedsTheModelOpenedAgainIsOffered() {
    m_window.openTiny();
    QVERIFY(banner()->isHidden());
    int rows = 0;
    for (const Setting& setting : all_settings()) {
      if (setting.applies != SettingApplies::on_opening) continue;
      const SettingValue old = setting.of(settings().now());
      SettingValue other = std::string("cpu");
      if (const bool* on = std::get_if<bool>(&old)) other = !*on;
      if (const auto* number = std::get_if<std::int64_t>(&old)) other = *number + 1;
      if (setting.kind == SettingKind::choice) other = std::string(setting.choices[0]);
      settings().set(setting.name, other);
      const QString name = QString::fromUtf8(setting.label.data(), qsizetype(setting.label.size()));
      QVERIFY2(banner()->text().contains(name), qPrintable(name));
      QVERIFY(!banner()->actionButton()->isHidden());
      settings().set(setting.name, old);
      QVERIFY2(banner()->isHidden(), qPrintable(banner()->text()));
      ++rows;
    }
    QVERIFY(rows >= 10);
  }

  void openingAgainAppliesIt() {
    m_window.openTiny();
    const std::int64_t before = context();
    settings().set("model/context", 64);
    QCOMPARE(context(), before);
    banner()->actionButton()->click();
    QTRY_VERIFY(m_window->engine().layout() != nullptr && context() == 64);
    QVERIFY(banner()->isHidden());
    QCOMPARE(settings().now().engine.model_path, m_window.model().toStdString());
  }

  void anAnswerIsFinishedBeforeTheModelIsOpenedAgain() {
    m_window.openTiny();
    QSignalSpy finished(&m_window->engine(), &EngineHost::answerFinished);
    QSignalSpy opened(&m_window->engine(), &EngineHost::modelOpened);
    duringAnAnswer([&] {
      settings().set("model/context", 96);
      banner()->actionButton()->click();
      QCOMPARE(opened.count(), 0);
    });
    QTRY_COMPARE(opened.count(), 1);
    QCOMPARE(finished.count(), 1);
    const auto result = finished[0][0].value<GenerateResult>();
    QCOMPARE(result.generated_tokens, OpenedWindow::kTokens);
    QCOMPARE(int(result.stop_reason), int(StopReason::length));
    QCOMPARE(context(), 96);
  }

  // Also what acts at once where a model is open.
  void aChangeWhileTheModelIsOpenedIsNotLost() {
    m_window->openModel(m_window.model(), {});
    QCOMPARE(m_window->engine().state(), EngineHost::State::loading);
    settings().set("model/ram_budget_mib", 3 << 20);
    settings().set("model/context", 64);
    QTRY_COMPARE(m_window->engine().state(), EngineHost::State::ready);
    QTRY_COMPARE(m_window->engine().tiers().budget_bytes, quint64{3} << 20);
    QVERIFY(banner()->text().contains(QStringLiteral("Context")));
  }

  // The one before had to make room for it; what it was opened with did work.
  void aModelThatIsClosedForABadSettingComesBackWithItsOwn() {
    m_window.openTiny();
    settings().set("model/device", "vulkan:77");
    EngineOptions bad;
    bad.model_path = m_window.model().toStdString();
    bad.open_device = [](const BackendOptions&) -> Result<std::unique_ptr<Backend>> {
      return Error{ErrorCode::device, "the card is gone"};
    };
    m_window->engine().openModel(bad);
    QTRY_COMPARE(banner()->kind(), Banner::Kind::error);
    QTRY_COMPARE(m_window->engine().state(), EngineHost::State::empty);
    QVERIFY2(banner()->text().contains(QStringLiteral("was closed to make room")),
             qPrintable(banner()->text()));
    banner()->actionButton()->click();
    QTRY_COMPARE(m_window->engine().state(), EngineHost::State::ready);
    QVERIFY2(banner()->text().contains(QStringLiteral("Device")), qPrintable(banner()->text()));
    QCOMPARE(settings().now().engine.device, std::string("vulkan:77"));
  }

  void aModelThatWasClosedMeanwhileStaysClosed() {
    m_window.openTiny();
    duringAnAnswer([&] {
      settings().set("model/context", 96);
      banner()->actionButton()->click();
      m_window->action("closeModel")->trigger();
    });
    QTRY_VERIFY(!m_window->conversation().answering());
    QTest::qWait(50);
    QCOMPARE(m_window->engine().state(), EngineHost::State::empty);
  }

  void theBudgetActsAtOnceAndCanBeAutomaticAgain() {
    m_window.openTiny();
    const quint64 automatic = m_window->engine().tiers().budget_bytes;
    settings().set("model/ram_budget_mib", 3 << 20);
    QTRY_COMPARE(m_window->engine().tiers().budget_bytes, quint64{3} << 20);
    settings().set("model/ram_budget_mib", 0);
    QTRY_COMPARE(m_window->engine().tiers().budget_bytes, automatic);
    QVERIFY(banner()->isHidden());
  }

  void aModelHasItsOwnSettings() {
    m_window.openTiny();
    SettingsDialog dialog(settings(), jobs(), settings().now());
    auto* spin = dialog.findChild<QSpinBox*>(QStringLiteral("model/context"));
    dialog.setForModel(true);
    spin->setValue(80);
    QVERIFY(shownText(dialog).contains(QStringLiteral("For this model only.")));
    QVERIFY(shownText(dialog).contains(QStringLiteral("when the model is opened again")));
    dialog.setForModel(false);
    QCOMPARE(spin->value(), 0);
    QVERIFY(shownText(dialog).contains(QStringLiteral("The model in use has its own value.")));
    dialog.setForModel(true);
    QCOMPARE(spin->value(), 80);
    settings().replace(dialog.layers());
    m_window.open();
    QCOMPARE(settings().of(m_window.model()).engine.context, std::int64_t{80});
    QCOMPARE(settings().of(QStringLiteral("/another.gguf")).engine.context, std::int64_t{0});
    m_window.openTiny();
    QCOMPARE(context(), 80);
    // And goes back to what holds for all.
    SettingsDialog again(settings(), jobs(), settings().now());
    again.setForModel(true);
    QPushButton* back = backButton(again, QStringLiteral("Context: back to"));
    QVERIFY(back != nullptr);
    QCOMPARE(back->text(), QStringLiteral("Back to automatic"));
    back->click();
    QCOMPARE(again.edited().engine.context, std::int64_t{0});
    QVERIFY(backButton(again, QStringLiteral("Context: back to")) == nullptr);
  }

  void aValueOfTheCommandLineIsNamedAndNotSaved() {
    m_window.open([](WindowSetup& setup) {
      SettingLayers layers = setup.settings->layers();
      layers.command_line["model/context"] = 72;
      setup.settings->replace(layers);
    });
    m_window.openTiny();
    QCOMPARE(context(), 72);
    {
      SettingsDialog dialog(settings(), jobs());
      QVERIFY(shownText(dialog).contains(QStringLiteral("From the command line (--ctx)")));
      QPushButton* back = backButton(dialog, QStringLiteral("Context: back to"));
      QVERIFY(back != nullptr);
      back->click();
      QCOMPARE(dialog.edited().engine.context, std::int64_t{0});
    }
    settings().set("window/zoom", 1.1);
    m_window.open();
    QVERIFY(settings().layers().file.contains("window/zoom"));
    QVERIFY(!settings().layers().file.contains("model/context"));
  }

  void whatTheFileSaysWronglyIsToldAboveTheChat() {
    m_window.close();
    QSettings(QString::fromStdString(m_window.folder().file("layout.ini")), QSettings::IniFormat)
        .setValue(QStringLiteral("model/threads"), QStringLiteral("many"));
    m_window.open();
    QVERIFY2(
        banner()->text().contains(QStringLiteral("'many' is not a whole number from 0 to 256")),
        qPrintable(banner()->text()));
    QCOMPARE(banner()->kind(), Banner::Kind::notice);
  }

  void aChatsSettingsCanBeThoseOfNewChats() {
    m_window.openTiny();
    const ChatSettings chat = m_window->conversation().settings();
    ChatSettingsDialog dialog(settings(), jobs(), chat, {});
    auto* topK = dialog.findChild<QSpinBox*>(QStringLiteral("new_chats/top_k"));
    auto* scope = dialog.findChild<QComboBox*>(QStringLiteral("scope"));
    topK->setValue(9);
    QCOMPARE(dialog.settings().sampling.top_k, 9);
    QCOMPARE(dialog.settings().sampling.temperature, chat.sampling.temperature);
    QVERIFY(shownText(dialog).contains(QStringLiteral("new chats have another value")));
    QVERIFY(dialog.layers().file == settings().layers().file);
    scope->setCurrentIndex(1);
    QCOMPARE(dialog.layers().resolve({}).chat.sampling.top_k, 9);
    scope->setCurrentIndex(2);
    QCOMPARE(dialog.layers().resolve({}).chat.sampling.top_k, 40);
    settings().replace(dialog.layers());
    m_window->action("newChat")->trigger();
    QCOMPARE(m_window->conversation().settings().sampling.top_k, 9);
  }

  // It has no message yet: for the user it is a new one.
  void theEmptyChatFollowsTheSettingsOfNewChats() {
    settings().set("new_chats/top_k", 9);
    settings().set("new_chats/system_prompt", "Be brief.");
    QCOMPARE(m_window->conversation().settings().sampling.top_k, 9);
    QCOMPARE(m_window->conversation().systemPrompt(), QStringLiteral("Be brief."));
    ChatSettings own = m_window->conversation().settings();
    own.sampling.top_k = 11;
    m_window->conversation().setSettings(own);
    settings().set("new_chats/top_k", 10);
    QCOMPARE(m_window->conversation().settings().sampling.top_k, 11);
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello"));
    settings().set("new_chats/system_prompt", "Be long.");
    QCOMPARE(m_window->conversation().systemPrompt(), QStringLiteral("Be brief."));
  }

  void theMenuFollowsTheTheme() {
    settings().set("window/theme", "dark");
    QVERIFY(Theme::current().dark);
    QVERIFY(m_window->action("theme_dark")->isChecked());
    settings().set("window/theme", "system");
    QVERIFY(m_window->action("theme_system")->isChecked());
  }

 private:
  OpenedWindow m_window;
};

UI_TEST(WindowSettingsTest)
#include "window_settings_test.moc"
