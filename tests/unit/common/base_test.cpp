#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "common/base/ascii.hpp"
#include "common/base/gate.hpp"
#include "common/base/listing.hpp"
#include "common/base/uuid.hpp"
#include "common/digest/digest.hpp"

namespace hookfleet {
namespace {

using namespace std::chrono_literals;

TEST(Gate, LetsInUntilClosedAndIsEmptyWhenTheLastPassLeaves) {
  base::Gate gate;
  auto pass = gate.enter();
  ASSERT_TRUE(pass.has_value());
  gate.close();
  EXPECT_FALSE(gate.enter().has_value());
  EXPECT_FALSE(gate.wait_empty(0ms));
  pass.reset();
  EXPECT_TRUE(gate.wait_empty(0ms));
}

TEST(Gate, WaitEndsWhenAnotherThreadLeaves) {
  base::Gate gate;
  auto pass = gate.enter();
  gate.close();
  std::jthread other([pass = std::move(pass)]() mutable { pass.reset(); });
  EXPECT_TRUE(gate.wait_empty(10s));
}

TEST(Gate, AMovedPassLeavesOnce) {
  base::Gate gate;
  auto first = gate.enter();
  base::Gate::Pass second = std::move(*first);
  first.reset();
  EXPECT_EQ(gate.inside(), 1U);
}

TEST(Ascii, LowersAsciiLettersOnly) {
  EXPECT_EQ(base::lower("Content-LENGTH: AZ az 09 @[`{"), "content-length: az az 09 @[`{");
  EXPECT_EQ(base::lower("\xc3\x84 \xd0\x96 \xc4"), "\xc3\x84 \xd0\x96 \xc4");
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(base::lower(c), byte >= 65 && byte <= 90 ? static_cast<char>(byte + 32) : c) << byte;
  }
}

TEST(UuidV7, IsCanonicalCarriesItsTimeAndNamesVersionAndVariant) {
  const auto time = base::from_unix_ms(1'700'000'000'123);
  const std::string uuid = base::make_uuid_v7(time);
  EXPECT_TRUE(base::is_uuid(uuid));
  EXPECT_EQ(uuid[14], '7');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  EXPECT_GE(base::uuid_v7_time(uuid), time);
}

TEST(UuidV7, SortsInTheOrderMadeAlsoWhenTheClockStandsOrStepsBack) {
  std::string last;
  for (int i = 0; i < 20'000; ++i) {
    const std::string uuid = base::make_uuid_v7(base::from_unix_ms(1'800'000'000'000 - i / 5'000));
    ASSERT_LT(last, uuid);
    last = uuid;
  }
}

TEST(UuidV7, RefusesWhatIsNoUuid) {
  for (const char* text : {"", "018bcfe5-687b-7", "018bcfe5-687b-7000-8000-00000000000g", "018bcfe5x687b-7000-8000-000000000000"}) {
    EXPECT_FALSE(base::is_uuid(text)) << text;
    EXPECT_EQ(base::uuid_v7_time(text), base::WallTime{}) << text;
  }
}

TEST(Digest, MatchesPublishedVectors) {
  EXPECT_EQ(digest::to_hex(digest::as_bytes(digest::sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest::sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest::xxh3_64(""), 0x2d06800538d394c2ULL);
}

TEST(Digest, ConstantTimeComparisonTellsEqualFromOther) {
  EXPECT_TRUE(digest::equal_in_constant_time(digest::sha256("a"), digest::sha256("a")));
  EXPECT_FALSE(digest::equal_in_constant_time(digest::sha256("a"), digest::sha256("b")));
}

TEST(Listed, NamesTheFirstAndCountsTheRest) {
  EXPECT_EQ(base::listed({}), "");
  EXPECT_EQ(base::listed({"a", "b"}, 2), "a, b");
  EXPECT_EQ(base::listed({"a", "b", "c", "d"}, 2, " "), "a b and 2 more");
}

TEST(HmacSha256, IsThatOfRfc4231) {
  EXPECT_EQ(digest::to_hex(digest::as_bytes(digest::hmac_sha256(std::string(20, '\x0b'), {"Hi ", "There"}))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(digest::to_hex(digest::as_bytes(digest::hmac_sha256("Jefe", {"what do ya want for nothing?"}))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(digest::to_hex(digest::as_bytes(
                digest::hmac_sha256(std::string(131, '\xaa'), {"Test Using Larger Than Block-Size Key - Hash Key First"}))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Base64, ReadsBackWhatItWrites) {
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
    std::string text = digest::to_base64(bytes);
    EXPECT_EQ(digest::from_base64(text), bytes);
    while (text.ends_with('=')) text.pop_back();
    EXPECT_EQ(digest::from_base64(text), bytes) << "without its padding";
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"A", "A===", "====", "YQ=", "YR==", "YWJ", "YW Jj", "YWJj\n", "YW-j", "=", "YQ==YQ=="}) {
    EXPECT_EQ(digest::from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hookfleet
