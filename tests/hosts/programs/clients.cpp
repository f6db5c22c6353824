// What the client has beside plain calls: <base> <fingerprint> <address of a server that never answers>
#include <iostream>

#include "rpa_openapi.hpp"

namespace json = rpa::json;

static rpa::Client client(const std::string &host, const std::string &pin) {
    rpa::Client made(host, "demo-access-key", "demo-secret-key");
    made.set("proxy", "null").set("tls", json::object({{"pin_sha256", json::quoted(pin)}}));
    return made;
}

static void check(bool right, const char *what) {
    if (!right) {
        std::cout << "not as it should be: " << what << std::endl;
    }
}

static void values() {
    const std::string text = R"( {"a": [1, -2.50, [], {"~/": "\u6708\ud83d\ude00\n\"x"}, null], "": {}, "b" : "]"} )";
    check(json::text(text, "/a/3/~0~1") == "月😀\n\"x", "escapes are read");
    check(json::value(text, "/a/1") == "-2.50" && json::text(text, "/a/1") == "-2.50", "numbers are exact");
    check(json::value(text, "/a/2") == "[]" && json::value(text, "/") == "{}" && json::text(text, "/b") == "]", "values");
    check(json::value(text, "/a/5").empty() && json::value(text, "/a/x").empty() && json::value(text, "/c").empty() &&
              json::value(text, "/a/2/0").empty() && json::text(text, "/a/4").empty(),
          "what is not there is empty");
    for (const char *wrong : {"", "{", "[1,", "{\"a\"", "\"", "\"\\", "\"\\u12", "{a:1}"}) {
        json::value(wrong, "/a/b");
        json::text(wrong, "/0");
    }
}

int main(int, char **arguments) {
    const std::string host = arguments[1], pin = arguments[2];
    try {
        client(host, std::string(64, '0')).get("/oapi/v1/job/list");
        std::cout << "error: none" << std::endl;
    } catch (const rpa::Error &error) {
        const rpa::Error copied = error;
        const bool whole = copied.field().empty() && copied.fact("attempts") != "" && copied.msg().size() > 5 &&
                           copied.detail().find("pin") != std::string::npos && copied.fact("none").empty() &&
                           error.what() == copied.kind() + ": " + copied.detail();
        std::cout << "error: " << copied.kind() << ' ' << copied.delivered() << (whole ? " ok" : " " + error.reply()) << std::endl;
    }
    const rpa::Client usual = client(host, pin);
    std::string reply = usual.post("/oapi/v1/job/create", u8R"({"procCode":"P001","robotNo":"Administrator@0A1B2C3D4E5F","note":"月结 & 100% 完成"})");
    reply = usual.get("/oapi/v1/job/get", json::object({{"jobNo", json::value(reply, "/result/jobNo")}}));
    std::cout << "reply: " << json::text(reply, "/result/params/note") << std::endl;
    values();
}
