/*
 * The short story of a robot's job, in C++11: get a token, start a job with a Chinese parameter, read it back, refresh
 * the token, and one call that is refused on purpose.
 *
 *     story https://127.0.0.1:8443 FINGERPRINT [PROXY]
 *
 * FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
 * address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
 * should be; what was not is said on stderr.
 *
 * It needs rpa_openapi.hpp, rpa_openapi.h and the library beside it, and nothing else:
 *
 *     c++ -std=c++11 -o story story.cpp -L. -lrpa_openapi -Wl,-rpath,'$ORIGIN'
 *
 * The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#endif

#include "rpa_openapi.hpp"

namespace {

const char ACCESS_KEY[] = "demo-access-key";
const char SECRET_KEY[] = "demo-secret-key";
const char NOTE[] = "月结 & 100% 完成"; // this file is UTF-8, as every text that the library takes

// A few lines of JSON, so that this file needs no other. In a program of your own, take your JSON library.
namespace json {

/** A text as a JSON string. */
std::string quoted(const std::string &text) {
    std::string json = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            json += '\\';
            json += byte;
        } else if (static_cast<unsigned char>(byte) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            json += escape;
        } else {
            json += byte;
        }
    }
    return json + '"';
}

/** The fields of an object: names, and values that are JSON already. */
using Fields = std::vector<std::pair<std::string, std::string>>;

std::string object(const Fields &fields) {
    std::string json;
    for (const auto &field : fields) {
        json += (json.empty() ? "" : ",") + quoted(field.first) + ':' + field.second;
    }
    return '{' + json + '}';
}

/** Reads the values of a JSON text that is valid, as every reply of the library is. */
class Reader {
public:
    explicit Reader(const std::string &json) : json_(json) {}

    /** The value at a path such as "result.params.note", as it stands; empty if there is none. */
    std::string value(const std::string &path) {
        at_ = 0;
        for (std::size_t begin = 0; begin <= path.size();) {
            const std::size_t end = std::min(path.find('.', begin), path.size());
            if (!enter(path.substr(begin, end - begin))) {
                return "";
            }
            begin = end + 1;
        }
        const std::size_t begin = at_;
        skip_value();
        return json_.substr(begin, at_ - begin);
    }

    /** Whether there is a text at a path. */
    bool has_text(const std::string &path) { return value(path)[0] == '"'; }

    /** The text at a path; throws if there is none. Half a surrogate pair becomes U+FFFD. */
    std::string text(const std::string &path) {
        if (!has_text(path)) {
            throw std::runtime_error("the reply has no text " + path);
        }
        return decoded(value(path));
    }

private:
    char here() const { return at_ < json_.size() ? json_[at_] : '\0'; }

    void skip_space() { at_ = std::min(json_.find_first_not_of(" \t\r\n", at_), json_.size()); }

    void skip_string() {
        for (at_++; at_ < json_.size() && json_[at_] != '"'; at_++) {
            if (json_[at_] == '\\') {
                at_++;
            }
        }
        at_ = std::min(at_ + 1, json_.size());
    }

    void skip_value() {
        int depth = 0;
        do {
            if (here() == '"') {
                skip_string();
            } else if (here() == '{' || here() == '[') {
                depth++;
                at_++;
            } else if (here() == '}' || here() == ']') {
                depth--;
                at_++;
            } else {
                // A number, true, false, null; within an object or array also what stands between the values.
                at_ = std::min(json_.find_first_of(depth > 0 ? "\"{}[]" : ",]} \t\r\n", at_), json_.size());
            }
        } while (depth > 0 && at_ < json_.size());
    }

    /** Goes from an object to the value of one of its members; false if there is none. */
    bool enter(const std::string &name) {
        skip_space();
        if (here() != '{') {
            return false;
        }
        do {
            at_++;
            skip_space();
            if (here() != '"') {
                return false;
            }
            const std::size_t begin = at_;
            skip_string();
            const bool found = decoded(json_.substr(begin, at_ - begin)) == name;
            skip_space();
            at_++; // the colon
            skip_space();
            if (found) {
                return true;
            }
            skip_value();
            skip_space();
        } while (here() == ',');
        return false;
    }

    static std::string decoded(const std::string &string) {
        static const std::string escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        std::string text;
        for (std::size_t i = 1; i + 1 < string.size(); i++) {
            if (string[i] != '\\') {
                text += string[i];
            } else if (string[++i] != 'u') {
                const std::size_t escape = escapes.find(string[i]);
                text += escape == std::string::npos ? string[i] : meanings[escape];
            } else {
                unsigned long code = hex4(string, i + 1);
                i += 4;
                const bool paired = code >= 0xD800 && code <= 0xDBFF && string.compare(i + 1, 2, "\\u") == 0;
                const unsigned long low = paired ? hex4(string, i + 3) : 0;
                if (low >= 0xDC00 && low <= 0xDFFF) {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    i += 6;
                }
                append_utf8(text, code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : code);
            }
        }
        return text;
    }

    static unsigned long hex4(const std::string &string, std::size_t at) {
        return std::strtoul(string.substr(at, 4).c_str(), nullptr, 16);
    }

    static void append_utf8(std::string &text, unsigned long code) {
        if (code < 0x80) {
            text += static_cast<char>(code);
            return;
        }
        const int following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        const unsigned long marks[] = {0, 0xC0, 0xE0, 0xF0};
        text += static_cast<char>(marks[following] | (code >> (6 * following)));
        for (int i = following - 1; i >= 0; i--) {
            text += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
        }
    }

    const std::string &json_;
    std::size_t at_ = 0;
};

} // namespace json

/** A reply that says success, which is "code": 0. Throws what went wrong otherwise. */
std::string checked(const std::string &what, const std::string &reply) {
    json::Reader reader(reply);
    if (reader.value("code") == "0") {
        return reply;
    }
    std::string why = what + ": " + reader.text("msg");
    if (reader.has_text("error.kind")) { // an error of the library; a server's own refusal has none
        why += "\nstory: " + reader.text("error.kind") + ": " + reader.text("error.detail");
        why += ", delivered: " + reader.text("error.delivered");
    }
    throw std::runtime_error(why);
}

void expect(bool right, const std::string &what) {
    if (!right) {
        throw std::runtime_error("not as it should be: " + what);
    }
}

/** A request: the fields that say where the control center is, and those of one call. */
std::string request(json::Fields fields, const json::Fields &more) {
    fields.insert(fields.end(), more.begin(), more.end());
    return json::object(fields);
}

/** One signed call. */
std::string call(const json::Fields &server, const std::string &token, const std::string &mode, const std::string &path,
                 const json::Fields &data) {
    const json::Fields fields = {{"accesstoken", json::quoted(token)},
                                 {"mode", json::quoted(mode)},
                                 {"rest_type", json::quoted(path)},
                                 {"data_json", json::object(data)}};
    return checked(path, rpa::call(request(server, fields)));
}

void tell(const json::Fields &server) {
    std::cout << "version " << rpa::version() << std::endl;

    const json::Fields keys = {{"accesskey", json::quoted(ACCESS_KEY)}, {"secretkey", json::quoted(SECRET_KEY)}};
    std::string reply = checked("the token", rpa::get_token(request(server, keys)));
    const std::string token = json::Reader(reply).text("result.accessToken");
    const std::string refresh = json::Reader(reply).text("result.refreshToken");
    std::cout << "token: ok" << std::endl;

    const json::Fields data = {{"procCode", json::quoted("P001")},
                               {"robotNo", json::quoted("Administrator@0A1B2C3D4E5F")},
                               {"note", json::quoted(NOTE)}};
    reply = call(server, token, "post", "/oapi/v1/job/create", data);
    const std::string job = json::Reader(reply).text("result.jobNo");
    std::cout << "job started: ok" << std::endl;

    reply = call(server, token, "get", "/oapi/v1/job/get", {{"jobNo", json::quoted(job)}});
    const std::string note = json::Reader(reply).text("result.params.note");
    expect(note == NOTE, "the note is " + note);
    std::cout << "job read back: " << note << std::endl;

    reply = checked("refreshing", rpa::refresh_token(request(server, {{"refreshtoken", json::quoted(refresh)}})));
    expect(json::Reader(reply).text("result.accessToken") != token, "the refreshed token is the old one");
    std::cout << "token refreshed: ok" << std::endl;

    // A field is misspelt, so nothing is sent, and the error names the field.
    const json::Fields misspelt = {{"acesstoken", json::quoted(token)},
                                   {"mode", json::quoted("get")},
                                   {"rest_type", json::quoted("/oapi/v1/job/list")}};
    reply = rpa::call(request(server, misspelt));
    const std::string kind = json::Reader(reply).text("error.kind"), field = json::Reader(reply).text("error.field");
    expect(kind == "argument" && field == "acesstoken", "the refusal is " + reply);
    std::cout << "refused on purpose: " << kind << ' ' << field << std::endl;
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        std::cerr << "usage: story <base URL> <fingerprint, or - for plain http> [proxy, or - for none]\n";
        return 2;
    }
#ifdef _WIN32
    SetConsoleOutputCP(CP_UTF8); // what is printed here is UTF-8
#endif
    try {
        const std::string pin = argv[2];
        json::Fields server = {{"host", json::quoted(argv[1])}};
        if (pin != "-") {
            server.emplace_back("tls", json::object({{"pin_sha256", json::quoted(pin)}}));
        }
        if (argc > 3) {
            const std::string proxy = argv[3];
            server.emplace_back("proxy", proxy == "-" ? "null" : json::quoted(proxy));
        }
        tell(server);
        return 0;
    } catch (const std::exception &error) {
        std::cerr << "story: " << error.what() << '\n';
        return 1;
    }
}
