// SPDX-License-Identifier: Apache-2.0
// The download in the window: what it says, and which buttons there are.
#include "ui/views/start/download_way.h"

#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QtTest>

#include "base/sha256.h"
#include "tests/support/temporary_folder.h"
#include "tests/ui/download_server.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/pictures.h"
#include "tests/ui/ui_test.h"
#include "ui/bridge/settings_file.h"
#include "ui/plain_text.h"
#include "ui/views/start/start_page.h"

using namespace mneme;
using State = ModelDownload::State;

class DownloadWayTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    qputenv("no_proxy", "127.0.0.1");
    makePlainTextTheDefault(*qApp);
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
  }
  void init() {
    Theme::choose(Theme::Choice::light);
    m_folder = std::make_unique<TemporaryFolder>();
    m_file = std::make_unique<SettingsFile>(QString::fromStdString(m_folder->file("mneme.ini")));
    m_server = std::make_unique<DownloadServer>();
    m_limits = DownloadLimits();
    m_way.reset(make());
  }
  void cleanup() { m_way.reset(); }

  void beforeTheButtonThereIsNoConnection() {
    QTest::qWait(100);
    QCOMPARE(m_server->connections, 0);
    QCOMPARE(buttons(), QStringList{QStringLiteral("Download")});
    QVERIFY(shown<QProgressBar>().isEmpty());
    QVERIFY(texts().contains(
        QStringLiteral("<i>Small</i> & plain, 300 kB, Apache-2.0, from 127.0.0.1")));
  }

  void itGoesFromTheButtonToTheModel() {
    m_server->answers = {half(), DownloadServer::file(m_body, "\"one\"")};
    QSignalSpy opened(m_way.get(), &DownloadWay::opened);
    button(QStringLiteral("Download"))->setFocus();
    press(QStringLiteral("Download"));
    QTRY_VERIFY(texts().contains(QStringLiteral("150 of 300 kB")));
    QCOMPARE(buttons(), (QStringList{QStringLiteral("Pause"), QStringLiteral("Cancel")}));
    QCOMPARE(shown<QProgressBar>().first()->value(), 500);
    QVERIFY(button(QStringLiteral("Pause"))->hasFocus());
    press(QStringLiteral("Pause"));
    QCOMPARE(buttons(), (QStringList{QStringLiteral("Go on"), QStringLiteral("Cancel")}));
    QVERIFY(button(QStringLiteral("Go on"))->hasFocus());
    QVERIFY(texts().contains(QStringLiteral("paused")));
    press(QStringLiteral("Go on"));
    QTRY_COMPARE(opened.count(), 1);
    QVERIFY(opened.last().at(0).toString().endsWith(QStringLiteral("/models/a.gguf")));
    QVERIFY(buttons().isEmpty());
  }

  void whatIsThereFromTheLastTimeIsOffered() {
    m_server->answers = {half()};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(m_way->download().bytes(), 150'000u);
    m_way.reset(make());
    QTRY_VERIFY(texts().contains(QStringLiteral("150 of 300 kB")));
    QCOMPARE(buttons(), (QStringList{QStringLiteral("Go on"), QStringLiteral("Cancel")}));
    QCOMPARE(m_server->connections, 1);
    press(QStringLiteral("Cancel"));
    QTRY_COMPARE(buttons(), QStringList{QStringLiteral("Download")});
  }

  void whatIsWrongHasItsWayOut() {
    m_server->answers = {DownloadServer::send("404 Not Found", DownloadServer::length(0), {})};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(buttons(), (QStringList{QStringLiteral("Try again"), QStringLiteral("Cancel")}));
    QVERIFY(texts().contains(QStringLiteral("has no such file (404)")));
    // A place that has no room is exchanged, and is so at the next start.
    m_limits.freeSpace = [](const std::string& folder) {
      return std::optional<std::uint64_t>(folder.ends_with("/other") ? 1 << 30 : 0);
    };
    m_way.reset(make());
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(buttons(), (QStringList{QStringLiteral("Try again"), QStringLiteral("Cancel"),
                                         QString::fromUtf8("Choose another place…")}));
    QVERIFY(texts().contains(QStringLiteral("300 kB are missing")));
    m_way->setAskForFolder([](const QString&) { return QString(); });
    press(QString::fromUtf8("Choose another place…"));
    QCOMPARE(m_way->download().state(), State::failed);
    const QString other = QString::fromStdString(m_folder->file("other"));
    m_way->setAskForFolder([&](const QString&) { return other; });
    press(QString::fromUtf8("Choose another place…"));
    QCOMPARE(buttons(), QStringList{QStringLiteral("Download")});
    m_way.reset(make());
    QCOMPARE(m_way->download().folder(), other);
    QSignalSpy opened(m_way.get(), &DownloadWay::opened);
    press(QStringLiteral("Download"));
    QTRY_COMPARE(opened.count(), 1);
    QCOMPARE(opened.last().at(0).toString(), other + QStringLiteral("/a.gguf"));
  }

  // On the first page of a window: pressed, it leads to the open model.
  void itLeadsFromTheWelcomePageToAnOpenModel() {
    test::OpenedWindow opened;
    QFile model(QString::fromStdString(write_tiny_model(m_folder->path(), {})));
    QVERIFY(model.open(QIODevice::ReadOnly));
    const QByteArray body = model.readAll();
    m_server->answers = {DownloadServer::file(body, "\"one\"")};
    const QString models = QString::fromStdString(m_folder->file("own"));
    opened.openFirst([&](WindowSetup& setup) {
      setup.download = offerOf(body);
      setup.models = models;
      setup.start.facts = [] { return MachineFacts(); };
      setup.start.gpus = [] { return std::vector<DeviceInfo>(); };
      setup.start.ramSpeed = [] { return 1.0; };
      setup.start.drive = [](const Jobs::Stop&) -> Result<DriveSpeed> { return DriveSpeed(); };
      setup.start.models = [](const Jobs::Stop&) { return FoundModels(); };
    });
    auto* way = opened.window()->startPage()->findChild<DownloadWay*>();
    QVERIFY(way != nullptr && way->isVisible());
    QTest::qWait(100);
    QCOMPARE(m_server->connections, 0);
    QCOMPARE(way->download().folder(), models);
    way->download().start();
    QTRY_VERIFY(opened.window()->engine().layout() != nullptr);
    QCOMPARE(QString::fromStdString(opened.window()->engine().layout()->path),
             models + QStringLiteral("/a.gguf"));
  }

  void pictures() {
    m_server->answers = {half()};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(m_way->download().bytes(), 150'000u);
    m_way->download().cancel();
    QTRY_VERIFY(!m_way->download().running());
    test::takePictures(QStringLiteral("download-idle"), [this] { return make(); });
    test::takePictures(QStringLiteral("download-running"), [this] {
      DownloadWay* way = make();
      way->download().start();
      (void)QTest::qWaitFor([way] { return way->download().bytes() == 150'000; });
      QTest::qWait(150);  // it is told by then
      return way;
    });
    m_server->answers = {DownloadServer::send("404 Not Found", DownloadServer::length(0), {})};
    m_limits.freeSpace = [](const std::string&) { return std::optional<std::uint64_t>(1000); };
    test::takePictures(QStringLiteral("download-failed"), [this] {
      DownloadWay* way = make();
      way->download().start();
      (void)QTest::qWaitFor([way] { return way->download().state() == State::failed; });
      return way;
    });
  }

 private:
  DownloadOffer offerOf(const QByteArray& body) const {
    DownloadOffer offer;
    offer.url = m_server->url(QStringLiteral("/a.gguf"));
    offer.bytes = static_cast<quint64>(body.size());
    offer.sha256 = QString::fromStdString(
        sha256_hex(std::as_bytes(std::span(body.constData(), size_t(body.size())))));
    offer.name = QStringLiteral("<i>Small</i> & plain");
    offer.licence = QStringLiteral("Apache-2.0");
    return offer;
  }
  DownloadWay* make() {
    auto* way = new DownloadWay(m_jobs, *m_file, offerOf(m_body),
                                QString::fromStdString(m_folder->file("models")), m_limits);
    way->resize(330, 190);
    way->show();
    return way;
  }
  DownloadServer::Answer half() const {
    return DownloadServer::send("200 OK",
                                "ETag: \"one\"\r\n" + DownloadServer::length(m_body.size()),
                                m_body.left(150'000), false);
  }
  template <class T>
  QList<T*> shown() const {
    QList<T*> found;
    for (T* one : m_way->findChildren<T*>()) {
      if (one->isVisible()) found << one;
    }
    return found;
  }
  QStringList buttons() const {
    QStringList names;
    for (const QPushButton* one : shown<QPushButton>()) names << one->text();
    return names;
  }
  QPushButton* button(const QString& text) const {
    for (QPushButton* one : shown<QPushButton>()) {
      if (one->text() == text) return one;
    }
    qFatal("there is no button %s", qPrintable(text));
  }
  void press(const QString& text) { QTest::keyClick(button(text), Qt::Key_Space); }
  QString texts() const {
    QStringList all;
    for (const QLabel* one : shown<QLabel>()) all << one->text();
    return all.join(QLatin1Char('\n'));
  }

  const QByteArray m_body = QByteArray(300'000, 'm');
  Jobs m_jobs;
  std::unique_ptr<TemporaryFolder> m_folder;
  std::unique_ptr<SettingsFile> m_file;
  std::unique_ptr<DownloadServer> m_server;
  DownloadLimits m_limits;
  std::unique_ptr<DownloadWay> m_way;
};

UI_TEST(DownloadWayTest)
#include "download_way_test.moc"
