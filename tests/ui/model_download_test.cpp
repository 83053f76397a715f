// SPDX-License-Identifier: Apache-2.0
// A download from a server of the test, with everything that servers, networks and drives do.
#include "ui/bridge/model_download.h"

#include <QDir>
#include <QFile>
#include <QNetworkAccessManager>
#include <QSignalSpy>
#include <QSslSocket>
#include <QtTest>

#include "base/sha256.h"
#include "tests/support/refused_writes.h"
#include "tests/support/temporary_folder.h"
#include "tests/ui/download_server.h"
#include "tests/ui/ui_test.h"

using namespace mneme;
using State = ModelDownload::State;

namespace {

QByteArray numbered(int bytes, int seed) {
  QByteArray made(bytes, '\0');
  for (int i = 0; i < bytes; ++i) made[i] = static_cast<char>((i * 31 + i / 251 + seed) & 0xff);
  return made;
}

}  // namespace

class ModelDownloadTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    qputenv("no_proxy", "127.0.0.1");
    m_folder = std::make_unique<TemporaryFolder>();
    m_server = std::make_unique<DownloadServer>();
    m_jobs = std::make_unique<Jobs>();
    m_offer = DownloadOffer();
    m_offer.url = m_server->url(QStringLiteral("/models/a.gguf"));
    m_offer.bytes = static_cast<quint64>(m_body.size());
    m_offer.sha256 = digestOf(m_body);
    m_limits = DownloadLimits();
    m_limits.report = std::chrono::milliseconds(0);
    make();
  }
  void cleanup() {
    m_download.reset();
    m_jobs.reset();
    m_server.reset();
  }

  void theWholeFileComes() {
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    QSignalSpy finished(m_download.get(), &ModelDownload::finished);
    QTest::qWait(50);
    QCOMPARE(m_server->connections, 0);  // nobody asked for it yet
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(finished.count(), 1);
    QCOMPARE(finished.last().at(0).toString(), m_download->path());
    QCOMPARE(content(), m_body);
    QCOMPARE(files(), QStringList{QStringLiteral("a.gguf")});
    QCOMPARE(m_server->requests.size(), 1u);
    QVERIFY(!m_server->requests[0].headers.contains("range"));
    QCOMPARE(m_server->requests[0].headers.value("accept-encoding"), QByteArray("identity"));
    // What is there needs no server.
    make();
    m_download->look();
    QTRY_COMPARE(m_download->bytes(), m_offer.bytes);
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(m_server->connections, 1);
  }

  void whatWasCutGoesOn() {
    m_server->answers = {DownloadServer::send("200 OK", head("\"one\""), m_body.left(100'000)),
                         DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("was cut"), qPrintable(m_download->problem()));
    QCOMPARE(m_download->bytes(), 100'000u);
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(m_server->requests.at(1).headers.value("range"), QByteArray("bytes=100000-"));
    QCOMPARE(m_server->requests.at(1).headers.value("if-range"), QByteArray("\"one\""));
    QCOMPARE(content(), m_body);
  }

  void itGoesOnAfterARestart() {
    m_server->answers = {
        DownloadServer::send("200 OK", head("\"one\""), m_body.left(100'000), false),
        DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->bytes(), 100'000u);
    make();  // the window closed meanwhile
    QCOMPARE(files().size(), 2);
    m_download->look();
    QTRY_COMPARE(m_download->bytes(), 100'000u);
    QCOMPARE(m_server->connections, 1);
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(m_server->requests.at(1).headers.value("range"), QByteArray("bytes=100000-"));
    QCOMPARE(content(), m_body);
    QCOMPARE(files().size(), 1);
  }

  // Each time what came before is of no use, and all of it is asked for or sent.
  void aServerThatCannotGoOnStartsAnew_data() {
    QTest::addColumn<int>("how");
    QTest::newRow("Range ignored") << 0;
    QTest::newRow("another ETag, by If-Range") << 1;
    QTest::newRow("another ETag in a part") << 2;
    QTest::newRow("another length") << 3;
    QTest::newRow("another place") << 4;
    QTest::newRow("not satisfiable") << 5;
    QTest::newRow("a part without its place") << 6;
  }
  void aServerThatCannotGoOnStartsAnew() {
    QFETCH(int, how);
    const QByteArray before = numbered(m_body.size(), 7);
    const QByteArray rest = m_body.mid(100'000);
    const auto part = [&](const QByteArray& tag, const QByteArray& range) {
      return DownloadServer::send(
          "206 Partial Content",
          "ETag: " + tag + "\r\n" + range + DownloadServer::length(rest.size()), rest);
    };
    const DownloadServer::Answer odd[] = {
        DownloadServer::send("200 OK", head("\"two\""), m_body),
        DownloadServer::file(m_body, "\"two\""),
        part("\"two\"", "Content-Range: bytes 100000-299999/300000\r\n"),
        part("\"one\"", "Content-Range: bytes 100000-299999/300001\r\n"),
        part("\"one\"", "Content-Range: bytes 90000-299999/300000\r\n"),
        DownloadServer::send("416 Range Not Satisfiable", DownloadServer::length(0), {}),
        part("\"one\"", {}),
    };
    m_server->answers = {DownloadServer::send("200 OK", head("\"one\""), before.left(100'000)),
                         odd[how], DownloadServer::file(m_body, "\"two\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(content(), m_body);
    QCOMPARE(m_server->requests.size(), how < 2 ? 2u : 3u);
    if (how >= 2) QVERIFY(!m_server->requests.at(2).headers.contains("range"));
  }

  void thePartOfAnotherFileIsNotContinued() {
    m_server->answers = {DownloadServer::send("200 OK", head("\"one\""), m_body.left(100'000)),
                         DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    m_body = numbered(300'000, 9);
    m_offer.sha256 = digestOf(m_body);
    m_server->answers[1] = DownloadServer::file(m_body, "\"one\"");
    make();
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QVERIFY(!m_server->requests.at(1).headers.contains("range"));
    QCOMPARE(content(), m_body);
  }

  void pauseKeepsAndCancelRemoves() {
    m_server->answers = {
        DownloadServer::send("200 OK", head("\"one\""), m_body.left(100'000), false),
        DownloadServer::send(
            "206 Partial Content",
            "Content-Range: bytes 100000-299999/300000\r\n" + DownloadServer::length(200'000),
            m_body.mid(100'000, 50'000), false)};
    m_download->start();
    QTRY_COMPARE(m_download->bytes(), 100'000u);
    m_download->pause();
    QCOMPARE(m_download->state(), State::paused);
    QTest::qWait(20);
    QCOMPARE(m_download->bytes(), 100'000u);
    m_download->start();
    QTRY_COMPARE(m_download->bytes(), 150'000u);
    m_download->cancel();
    QCOMPARE(m_download->state(), State::idle);
    QTRY_VERIFY(files().isEmpty());
    QCOMPARE(m_download->bytes(), 0u);
    // Also what nobody has opened since the start.
    m_server->answers.resize(1);
    m_download->start();
    QTRY_VERIFY(m_download->bytes() > 0);
    make();
    QVERIFY(!files().isEmpty());
    m_download->cancel();
    QTRY_VERIFY(files().isEmpty());
  }

  // The keys are faster than the drive.
  void pauseGoOnAndCancelMayComeAtAnyTime() {
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    for (int wait = 0; wait < 12; ++wait) {
      m_download->start();
      QTest::qWait(wait);
      m_download->pause();
      m_download->start();
      if (wait % 3 == 0) m_download->cancel();
      m_download->start();
      QTRY_COMPARE(m_download->state(), State::done);
      QCOMPARE(content(), m_body);
      QVERIFY(QFile::remove(m_download->path()));
      make();
    }
    QVERIFY(files().isEmpty());
  }

  void anotherDigestIsSaidAndNothingStays() {
    m_server->answers = {DownloadServer::file(numbered(m_body.size(), 3), "\"one\""),
                         DownloadServer::file(m_body, "\"two\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("SHA-256"), qPrintable(m_download->problem()));
    QVERIFY(files().isEmpty());
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(content(), m_body);
  }

  void nothingIsTakenBeyondTheEnd() {
    const QByteArray longer = m_body + numbered(1'000'000, 1);
    m_server->answers = {DownloadServer::send("200 OK", {}, longer, false)};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(content(), m_body);
  }

  void whatServersSayIsOneSentence_data() {
    QTest::addColumn<QByteArray>("status");
    QTest::addColumn<QByteArray>("headers");
    QTest::addColumn<QString>("sentence");
    const auto row = [](const char* status, const QByteArray& headers, const char* sentence) {
      QTest::newRow(status) << QByteArray(status) << headers << QString::fromLatin1(sentence);
    };
    const QByteArray none = DownloadServer::length(0);
    row("404 Not Found", none, "has no such file (404)");
    row("403 Forbidden", none, "does not give the file out (403)");
    row("401 Unauthorized", none + "WWW-Authenticate: Basic realm=\"x\"\r\n", "(401)");
    row("500 Internal Server Error", none, "has a fault of its own (500)");
    row("204 No Content", {}, "answers with 204");
    row("302 Found", none, "cannot be followed");
    row("200 OK", DownloadServer::length(299'999), "has a file of 299,999 bytes");
    row("200 Longer", DownloadServer::length(300'001), "has a file of 300,001 bytes");
    row("200 Packed", DownloadServer::length(300'000) + "Content-Encoding: gzip\r\n",
        "packed (gzip)");
    row("206 Partial Content",
        DownloadServer::length(300'000) + "Content-Range: bytes 0-299999/300000\r\n",
        "a part of the file");
    row("200 Closed", "Connection: close\r\n", "was cut");
    row("302 Insecure", none + "Location: http://192.0.2.1/a.gguf\r\n", "not safe");
    row("302 File", none + "Location: file:///etc/passwd\r\n", "cannot be followed");
    QByteArray many;
    for (int i = 0; i < 65; ++i) many += "X-" + QByteArray::number(i) + ": x\r\n";
    row("200 Many headers", many, "sends more headers");
    row("302 Many headers", many + "Location: /again\r\n", "sends more headers");
    row("200 Long headers", "X: " + QByteArray(65 << 10, 'x') + "\r\n", "sends more headers");
    row("302 Loop", none + "Location: /again\r\n", "without an end");
  }
  void whatServersSayIsOneSentence() {
    QFETCH(QByteArray, status);
    QFETCH(QByteArray, headers);
    QFETCH(QString, sentence);
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    m_server->answers = {DownloadServer::send(status, headers, {})};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(m_download->problem().contains(sentence), qPrintable(m_download->problem()));
    QVERIFY2(m_server->requests.size() <= 7,
             qPrintable(QString::number(m_server->requests.size())));
    QCOMPARE(m_download->bytes(), 0u);
    QVERIFY(!QFile::exists(m_download->path()));
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
  }

  void aRedirectIsFollowed() {
    m_server->answers = {
        DownloadServer::send("302 Found", DownloadServer::length(0) + "Location: /other/a\r\n", {}),
        DownloadServer::send("307 Again", DownloadServer::length(0) + "Location: ../third\r\n", {}),
        DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(m_server->requests.size(), 3u);
    QCOMPARE(m_server->requests.at(1).path, QByteArray("/other/a"));
    QCOMPARE(m_server->requests.at(2).path, QByteArray("/third"));
    QCOMPARE(content(), m_body);
  }

  void silenceIsNotWaitedForForEver_data() {
    QTest::addColumn<QByteArray>("begin");
    QTest::newRow("no answer") << QByteArray();
    QTest::newRow("headers without an end")
        << QByteArray("HTTP/1.1 200 OK\r\nX: ") + QByteArray(9999, 'x');
    QTest::newRow("half of it") << "HTTP/1.1 200 OK\r\n" + DownloadServer::length(300'000) +
                                       "\r\n" + numbered(5000, 0);
  }
  void silenceIsNotWaitedForForEver() {
    QFETCH(QByteArray, begin);
    m_limits.silence = std::chrono::milliseconds(60);
    make();
    m_server->answers = {[&](const auto&, QTcpSocket& socket) { socket.write(begin); }};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("sent nothing of the file for"), qPrintable(m_download->problem()));
  }

  void headersThatNeverEndAreNotReadForEver() {
    m_limits.silence = std::chrono::milliseconds(300);
    make();
    qint64 sent = 0;
    m_server->answers = {[&](const auto&, QTcpSocket& socket) {
      const auto more = [&sent, &socket] {
        sent += socket.write("X: " + QByteArray(65'000, 'x') + "\r\n");
      };
      socket.write("HTTP/1.1 200 OK\r\n");
      connect(&socket, &QTcpSocket::bytesWritten, &socket, more);
      more();
    }};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("sent nothing of the file for"), qPrintable(m_download->problem()));
    qInfo("the server could send %lld bytes of headers", sent);
  }

  void withoutAServer() {
    m_server->close();
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("takes no connection"), qPrintable(m_download->problem()));
  }

  void aNameThatNobodyKnows() {
    m_offer.url = QUrl(QStringLiteral("http://127.0.0.1.invalid/a.gguf"));
    make();
    m_download->start();
    QTRY_COMPARE_WITH_TIMEOUT(m_download->state(), State::failed, 60'000);  // by its resolver
    QVERIFY2(said("was not found") || said("sent nothing"), qPrintable(m_download->problem()));
  }

  void withoutTlsNothingIsTaken() {
    m_offer.url = m_server->url(QStringLiteral("/a.gguf"), QStringLiteral("https"));
    QTcpServer plain;  // speaks, but no TLS
    connect(&plain, &QTcpServer::newConnection, &plain, [&plain] {
      QTcpSocket* socket = plain.nextPendingConnection();
      socket->write("HTTP/1.1 400 Bad Request\r\n\r\n");
      socket->disconnectFromHost();
    });
    QVERIFY(plain.listen(QHostAddress::LocalHost));
    m_offer.url.setPort(plain.serverPort());
    make();
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said(QSslSocket::supportsSsl() ? "No safe connection" : "no TLS"),
             qPrintable(m_download->problem()));
    QCOMPARE(m_download->bytes(), 0u);
  }

  void theSystemsProxyIsUsed() {
    if (qEnvironmentVariableIsSet("XDG_CURRENT_DESKTOP")) QSKIP("the desktop has its own proxy");
    qunsetenv("no_proxy");
    qputenv("http_proxy", m_server->url({}).toEncoded());
    m_offer.url = QUrl(QStringLiteral("http://proxied.invalid/a.gguf"));
    make();
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(m_server->requests.at(0).path, QByteArray("http://proxied.invalid/a.gguf"));
    qunsetenv("http_proxy");
  }

  void withoutRoomNothingIsAskedFor() {
    m_limits.freeSpace = [](const std::string&) { return std::optional<std::uint64_t>(100'000); };
    make();
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("200 kB are missing"), qPrintable(m_download->problem()));
    QVERIFY(m_download->placeIsTheProblem());
    QCOMPARE(m_server->connections, 0);
    // Another place has it.
    m_limits.freeSpace = nullptr;
    make();
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    m_download->setFolder(QString::fromStdString(m_folder->file("other/place")));
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QVERIFY(m_download->path().endsWith(QStringLiteral("other/place/a.gguf")));
    QCOMPARE(content(), m_body);
  }

  void aDiskThatFillsKeepsWhatCame() {
    m_server->answers = {
        DownloadServer::send("200 OK", head("\"one\""), m_body.left(100'000), false),
        DownloadServer::file(m_body, "\"one\"")};
    m_download->start();
    QTRY_COMPARE(m_download->bytes(), 100'000u);
    m_download->pause();
    RefusedWrites full;
    full.begin();
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    full.end();
    QVERIFY2(said("cannot write"), qPrintable(m_download->problem()));
    QVERIFY(m_download->placeIsTheProblem());
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::done);
    QCOMPARE(m_server->requests.at(2).headers.value("range"), QByteArray("bytes=100000-"));
    QCOMPARE(content(), m_body);
  }

  void aFolderThatCannotBeWrittenIsSaid() {
    const std::string file = m_folder->file("file");
    QVERIFY(QFile(QString::fromStdString(file)).open(QIODevice::WriteOnly));
    m_download->setFolder(QString::fromStdString(file + "/models"));
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("file"), qPrintable(m_download->problem()));
    QVERIFY(m_download->placeIsTheProblem());
    QCOMPARE(m_server->connections, 0);
  }

  void anotherFileOfThatNameIsNotTouched() {
    QDir().mkpath(m_download->folder());
    QFile other(m_download->path());
    QVERIFY(other.open(QIODevice::WriteOnly));
    other.write("mine");
    other.close();
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::failed);
    QVERIFY2(said("is another file"), qPrintable(m_download->problem()));
    QCOMPARE(content(), QByteArray("mine"));
    QCOMPARE(m_server->connections, 0);
    m_download->cancel();
    QTest::qWait(20);
    QCOMPARE(content(), QByteArray("mine"));
  }

  void twoDoNotWriteOneFile() {
    m_server->answers = {
        DownloadServer::send("200 OK", head("\"one\""), m_body.left(100'000), false)};
    m_download->start();
    QTRY_COMPARE(m_download->bytes(), 100'000u);
    ModelDownload other(*m_jobs, m_offer, m_download->folder(), m_limits);
    other.start();
    QTRY_COMPARE(other.state(), State::failed);
    QVERIFY2(other.problem().contains(QStringLiteral("is being written")),
             qPrintable(other.problem()));
    QCOMPARE(m_download->state(), State::receiving);
    QCOMPARE(m_server->connections, 1);
  }

  void progressIsToldAFewTimesASecond() {
    m_limits.report = std::chrono::hours(1);
    make();
    QTcpSocket* socket = nullptr;
    m_server->answers = {[&](const auto&, QTcpSocket& answer) {
      socket = &answer;
      answer.write("HTTP/1.1 200 OK\r\n" + head("\"one\"") + "\r\n");
    }};
    m_download->start();
    QTRY_COMPARE(m_download->state(), State::receiving);
    QSignalSpy changed(m_download.get(), &ModelDownload::changed);
    for (int i = 0; i < 20; ++i) {
      socket->write(m_body.mid(i * 1000, 1000));
      QTRY_COMPARE(m_download->bytes(), quint64(i + 1) * 1000);
    }
    QCOMPARE(changed.count(), 0);
    QTest::qWait(320);
    socket->write(m_body.mid(20'000, 1000));
    QTRY_COMPARE(m_download->bytes(), 21'000u);
    QVERIFY(m_download->bytesPerSecond() > 0);
  }

 private:
  static QString digestOf(const QByteArray& bytes) {
    return QString::fromStdString(
        sha256_hex(std::as_bytes(std::span(bytes.constData(), size_t(bytes.size())))));
  }
  void make() {
    m_download.reset();
    m_download = std::make_unique<ModelDownload>(
        *m_jobs, m_offer, QString::fromStdString(m_folder->file("models")), m_limits);
  }
  QByteArray head(const QByteArray& tag) const {
    return "ETag: " + tag + "\r\n" + DownloadServer::length(m_body.size());
  }
  bool said(const char* words) const {
    return m_download->problem().contains(QLatin1String(words));
  }
  QByteArray content() const {
    QFile file(m_download->path());
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }
  QStringList files() const { return QDir(m_download->folder()).entryList(QDir::Files); }

  QByteArray m_body = numbered(300'000, 0);
  std::unique_ptr<TemporaryFolder> m_folder;
  std::unique_ptr<DownloadServer> m_server;
  std::unique_ptr<Jobs> m_jobs;
  DownloadOffer m_offer;
  DownloadLimits m_limits;
  std::unique_ptr<ModelDownload> m_download;
};

UI_TEST(ModelDownloadTest)
#include "model_download_test.moc"
