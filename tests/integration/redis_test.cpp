#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "common/redis/connection.hpp"
#include "common/redis/pipeline.hpp"
#include "common/redis/script.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::redis {
namespace {

using namespace std::chrono_literals;
using support::RedisServer;
using support::TcpGate;

constexpr Timeouts kShort{500ms, 500ms};
constexpr Timeouts kPatient{10s, 10s};

Endpoint to(const TcpGate& gate) {
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(gate.port());
  return endpoint;
}

/// io() and next() until a reply or an error, at most 10 s.
tl::expected<Reply, Error> receive(Pipeline& pipeline) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < end) {
    auto reply = pipeline.next();
    if (!reply) return tl::unexpected(reply.error());
    if (*reply) return **std::move(reply);
    if (const auto io = pipeline.io(100ms, nullptr); !io) return tl::unexpected(io.error());
  }
  return tl::unexpected(Error{ErrorKind::kTimeout, "test gave up"});
}

TEST(Connection, CarriesBinaryArgumentsAndRepliesUnchanged) {
  RedisServer server;
  auto connection = server.connect();
  std::string bytes;
  for (int i = 0; i < 3'000'000; ++i) bytes += static_cast<char>(i * 31 + i / 256);
  ASSERT_EQ(connection.call({"SET", std::string_view("k\0\r\n", 4), bytes})->view().text(), "OK");
  EXPECT_EQ(connection.call({"GET", std::string_view("k\0\r\n", 4)})->view().text(), bytes);
  EXPECT_TRUE(connection.call({"GET", ""})->view().is_nil());
}

TEST(Connection, AnErrorReplyIsAReplyAndTheConnectionGoesOn) {
  RedisServer server;
  auto connection = server.connect();
  connection.call({"SET", "k", "v"}).value();
  EXPECT_EQ(connection.call({"HGET", "k", "f"})->view().error(), ReplyError::kWrongType);
  EXPECT_EQ(connection.call({"NONSENSE"})->view().error(), ReplyError::kOther);
  EXPECT_EQ(connection.call({"PING"})->view().text(), "PONG");
}

TEST(Connection, OpensWithPasswordUserAndDatabase) {
  RedisServer::Options options;
  options.password = "s3cret";
  RedisServer server(options);
  server.call({"ACL", "SETUSER", "worker", "on", ">p@ss", "~*", "+@all"});
  auto named = Endpoint::parse("redis://worker:p%40ss@127.0.0.1:" + std::to_string(server.port()) + "/3").value();
  auto connection = Connection::open(named, kPatient).value();
  EXPECT_EQ(connection.call({"ACL", "WHOAMI"})->view().text(), "worker");
  EXPECT_NE(connection.call({"CLIENT", "INFO"})->view().text().find(" db=3 "), std::string_view::npos);
}

TEST(Connection, ARefusedPasswordOrDatabaseIsItsOwnKindAndIsNotPrinted) {
  RedisServer::Options options;
  options.password = "s3cret";
  RedisServer server(options);
  for (const std::string url : {"redis://:hunter2@127.0.0.1:", "redis://worker:hunter2@127.0.0.1:"}) {
    const auto connection = Connection::open(Endpoint::parse(url + std::to_string(server.port())).value(), kPatient);
    ASSERT_FALSE(connection.has_value());
    EXPECT_EQ(connection.error().kind, ErrorKind::kAuth);
    EXPECT_EQ(connection.error().message.find("hunter2"), std::string::npos) << connection.error().message;
  }
  Endpoint far = server.endpoint();
  far.database = 99;
  EXPECT_EQ(Connection::open(far, kPatient).error().kind, ErrorKind::kAuth);
  Endpoint anonymous = server.endpoint();
  anonymous.password.clear();
  auto connection = Connection::open(anonymous, kPatient).value();
  EXPECT_EQ(connection.call({"PING"})->view().error(), ReplyError::kNoAuth);
}

TEST(Connection, OpensAUnixSocket) {
  RedisServer::Options options;
  options.unix_socket = true;
  RedisServer server(options);
  EXPECT_EQ(Connection::open(Endpoint::parse(server.url()).value())->call({"PING"})->view().text(), "PONG");
  Endpoint missing = server.endpoint();
  missing.unix_path += ".not";
  EXPECT_EQ(Connection::open(missing).error().kind, ErrorKind::kConnect);
}

TEST(Connection, NobodyListeningOrAnUnknownNameIsConnect) {
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(support::free_port());
  const auto refused = Connection::open(endpoint, kShort);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kConnect);
  EXPECT_NE(refused.error().message.find("Connection refused"), std::string::npos) << refused.error().message;
  endpoint.host = "256.256.256.256";
  EXPECT_EQ(Connection::open(endpoint, kShort).error().kind, ErrorKind::kConnect);
}

TEST(Connection, ASilentServerIsATimeoutAndASuccessorWorks) {
  RedisServer server;
  TcpGate gate(server.port());
  auto connection = Connection::open(to(gate), kShort).value();
  gate.stall();
  EXPECT_EQ(connection.call({"PING"}).error().kind, ErrorKind::kTimeout);
  gate.open();
  EXPECT_EQ(Connection::open(to(gate), kPatient)->call({"PING"})->view().text(), "PONG");
}

TEST(Connection, CutOffBeforeTheReplyIsClosedAlthoughTheCommandRan) {
  RedisServer server;
  TcpGate gate(server.port());
  auto connection = Connection::open(to(gate), kPatient).value();
  gate.cut_after_from_server(3);
  EXPECT_EQ(connection.call({"SET", "k", "v"}).error().kind, ErrorKind::kClosed);
  EXPECT_EQ(server.text({"GET", "k"}), "v");
}

TEST(Connection, WhatIsNotRespIsAProtocolError) {
  RedisServer server;
  TcpGate gate(server.port());
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "*1\r\n";
  for (const std::string& garbage : {std::string("HTTP/1.1 200 OK\r\n\r\n"), deep, std::string("*2147483647\r\n")}) {
    gate.answer(garbage);
    auto connection = Connection::open(to(gate), kPatient).value();
    EXPECT_EQ(connection.call({"PING"}).error().kind, ErrorKind::kProtocol) << garbage.substr(0, 20);
  }
}

TEST(Connection, ATextThatNeverEndsIsBounded) {
  RedisServer server;
  TcpGate gate(server.port());
  gate.answer("$536870912\r\n" + std::string(90U * 1024 * 1024, 'x'));
  auto connection = Connection::open(to(gate), {10s, 50s}).value();
  EXPECT_EQ(connection.call({"PING"}).error().kind, ErrorKind::kProtocol);
}

TEST(Pipeline, RepliesComeInTheOrderOfTheCommands) {
  RedisServer server;
  Pipeline pipeline(server.connect());
  for (int i = 0; i < 5000; ++i) pipeline.append({"ECHO", std::to_string(i)});
  EXPECT_EQ(pipeline.unanswered(), 5000U);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(receive(pipeline).value().view().text(), std::to_string(i));
  EXPECT_EQ(pipeline.unanswered(), 0U);
  EXPECT_EQ(pipeline.unsent_bytes(), 0U);
}

TEST(Pipeline, MoreThanTheSocketTakesIsSentWhileRepliesAreRead) {
  RedisServer server;
  Pipeline pipeline(server.connect());
  const std::string large(1'000'000, 'x');
  for (int i = 0; i < 40; ++i) pipeline.append({"ECHO", large});
  const auto before = pipeline.last_received();
  for (int i = 0; i < 40; ++i) ASSERT_EQ(receive(pipeline).value().view().text(), large) << i;
  EXPECT_GT(pipeline.last_received(), before);
}

TEST(Pipeline, AWakeupEndsTheWaitAndIsCleared) {
  RedisServer server;
  Pipeline pipeline(server.connect());
  base::Wakeup wakeup;
  std::jthread other([&wakeup] { wakeup.signal(); });
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(pipeline.io(60s, &wakeup).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  ASSERT_TRUE(pipeline.io(0ms, &wakeup).has_value());
  EXPECT_FALSE(pipeline.next()->has_value());
}

TEST(Pipeline, WhatWasAnsweredBeforeTheCutIsDeliveredFirst) {
  RedisServer server;
  TcpGate gate(server.port());
  Pipeline pipeline(Connection::open(to(gate), kPatient).value());
  gate.cut_after_from_server(17);  // two and a half +PONG
  for (int i = 0; i < 4; ++i) pipeline.append({"PING"});
  EXPECT_EQ(receive(pipeline).value().view().text(), "PONG");
  EXPECT_EQ(receive(pipeline).value().view().text(), "PONG");
  EXPECT_EQ(receive(pipeline).error().kind, ErrorKind::kClosed);
  EXPECT_EQ(pipeline.unanswered(), 2U);
  EXPECT_EQ(receive(pipeline).error().kind, ErrorKind::kClosed) << "and stays so";
}

TEST(Pipeline, AKilledServerIsClosedAlsoWhileSending) {
  RedisServer server;
  Pipeline pipeline(server.connect());
  server.kill();
  const std::string large(100'000, 'x');
  bool closed = false;
  for (int i = 0; i < 100 && !closed; ++i) {
    pipeline.append({"ECHO", large});
    if (const auto io = pipeline.io(10ms, nullptr); !io) {
      EXPECT_EQ(io.error().kind, ErrorKind::kClosed);
      closed = true;
    }
  }
  EXPECT_TRUE(closed);
}

TEST(Pipeline, AReplyThatNobodyAskedForIsAProtocolError) {
  RedisServer server;
  TcpGate gate(server.port());
  gate.answer("+HELLO\r\n+AGAIN\r\n");
  Pipeline pipeline(Connection::open(to(gate), kPatient).value());
  EXPECT_EQ(receive(pipeline).error().kind, ErrorKind::kProtocol);
}

TEST(Script, IsLoadedUnderItsDigestAndFoundMissingAfterAFlush) {
  RedisServer server;
  auto connection = server.connect();
  const Script script("answer", "return 42");
  const Script broken("broken", "return ((");
  const Script* good[] = {&script};
  const Script* bad[] = {&broken};
  EXPECT_EQ(connection.call({"EVALSHA", script.sha1, "0"})->view().error(), ReplyError::kNoScript);
  ASSERT_TRUE(load(connection, good).has_value());
  EXPECT_EQ(connection.call({"EVALSHA", script.sha1, "0"})->view().integer(), 42);
  connection.call({"SCRIPT", "FLUSH"}).value();
  EXPECT_EQ(connection.call({"EVALSHA", script.sha1, "0"})->view().error(), ReplyError::kNoScript);
  const auto refused = load(connection, bad);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().find("broken"), std::string::npos) << refused.error();
}

}  // namespace
}  // namespace hookfleet::redis
