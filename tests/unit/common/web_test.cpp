#include <gtest/gtest.h>

#include "common/web/address.hpp"
#include "common/web/url.hpp"

namespace hookfleet::web {
namespace {

TEST(IsPublic, TellsAddressesOfTheInternetFromOthers) {
  for (const char* text :
       {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "198.17.0.1",
        "198.20.0.1", "223.255.255.255", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_TRUE(is_public(text)) << text;
  }
  for (const char* text : {"0.0.0.0",
                           "10.0.0.1",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.255.255",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.168.1.1",
                           "198.18.0.1",
                           "224.0.0.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::a00:1",
                           "2002:a00:1::1",
                           "::127.0.0.1",
                           "localhost",
                           ""}) {
    EXPECT_FALSE(is_public(text)) << text;
  }
}

TEST(CheckUrl, TakesHttpWithAHostAndNothingThatLeaks) {
  for (const char* url : {"http://127.0.0.1:3000/in", "https://example.com", "http://[::1]:8080/a?b=c", "HTTPS://Example.com/"}) {
    EXPECT_EQ(check_url(url), std::nullopt) << url;
  }
  for (const char* url : {"", "example.com/in", "/in", "ftp://example.com/", "file:///etc/passwd", "http://", "http://user@host/",
                          "http://user:secret@host/", "http://host/#part", "http://host:99999/", "http://ho st/"}) {
    EXPECT_NE(check_url(url), std::nullopt) << url;
  }
}

TEST(OriginOf, LeavesOutWhatMayBeSecret) {
  EXPECT_EQ(origin_of("https://example.com/hook/SECRET?token=SECRET"), "https://example.com:443");
  EXPECT_EQ(origin_of("http://[::1]:8080/a"), "http://[::1]:8080");
  EXPECT_EQ(origin_of("nonsense"), "");
}

TEST(PathOf, IsWithoutTheQuery) {
  EXPECT_EQ(path_of("https://example.com/hook/a%20b?token=SECRET"), "/hook/a%20b");
  EXPECT_EQ(path_of("http://[::1]:8080"), "/");
  EXPECT_EQ(path_of("nonsense"), "");
}

}  // namespace
}  // namespace hookfleet::web
